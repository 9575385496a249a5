internal import Synchronization

/// Asks long work to stop at its next safe point. Set by a signal or by the first error.
///
/// Work that runs asks `isCancelled`, which is one atomic load. Work that waits is woken: it gives
/// `notifying` what ends its wait.
///
/// `cancel` takes a lock and runs the handlers on the calling thread, so a signal handler must not
/// call it: a handler may interrupt the thread that holds this very lock. A program that reacts to
/// signals lets one ordinary thread take them with `sigwait` and call `cancel` from there.
public final class Cancellation: Sendable {
    private struct State {
        var handlers: [Int: @Sendable () -> Void] = [:]
        var children: [ObjectIdentifier: Child] = [:]
        var handlerCount = 0
    }

    /// A parent does not keep its children alive: a server has one parent and very many children.
    private struct Child {
        weak var cancellation: Cancellation?
    }

    /// Written under the lock of `state`, so that no handler is added after the last one ran.
    private let flag = Atomic<Bool>(false)
    private let state = Mutex(State())
    private let parent: Cancellation?

    public init() { parent = nil }

    private init(of parent: Cancellation) { self.parent = parent }

    deinit {
        let key = ObjectIdentifier(self)
        parent?.state.withLock { $0.children[key] = nil }
    }

    /// A cancellation of a part of the work: cancelled together with this one, and perhaps before.
    public func child() -> Cancellation {
        let child = Cancellation(of: self)
        let isTooLate = state.withLock { state in
            state.children[ObjectIdentifier(child)] = Child(cancellation: child)
            return isCancelled
        }
        if isTooLate { child.cancel() }
        return child
    }

    public var isCancelled: Bool { flag.load(ordering: .relaxed) }

    /// Cancels this one and all its children, and ends their waits. Not for signal handlers.
    public func cancel() {
        let (handlers, children) = state.withLock { state in
            flag.store(true, ordering: .relaxed)
            defer { state.handlers = [:] }
            return (
                Array(state.handlers.values), state.children.values.compactMap(\.cancellation)
            )
        }
        // Not under the lock: the last reference to a child may end here, which takes the lock.
        for handler in handlers { handler() }
        for child in children { child.cancel() }
    }

    /// Runs `body`, and `handler` once, on another thread, when the work is cancelled in the
    /// meantime; at once where it already is.
    ///
    /// The handler may still run for a moment after this returned, so it owns what it uses.
    public func notifying<T, Failure: Error>(
        _ handler: @escaping @Sendable () -> Void, during body: () throws(Failure) -> T
    ) throws(Failure) -> T {
        let number: Int? = state.withLock { state in
            if isCancelled { return nil }
            state.handlerCount += 1
            state.handlers[state.handlerCount] = handler
            return state.handlerCount
        }
        if number == nil { handler() }
        defer { if let number { state.withLock { $0.handlers[number] = nil } } }
        return try body()
    }

    /// Sleeps until the work is cancelled or it is `deadline`, in nanoseconds of `Clock.steady`.
    /// - Returns: whether it is cancelled.
    @discardableResult
    public func wait(until deadline: Int64) -> Bool {
        let woken = Latch(1)
        notifying({ woken.signal() }, during: { _ = woken.wait(until: deadline) })
        return isCancelled
    }
}
