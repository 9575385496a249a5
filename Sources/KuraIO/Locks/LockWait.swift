internal import SystemPackage

/// What came of trying to take a lock.
public enum LockOutcome: Sendable {
    case taken(any LockHandle)
    /// Another holder has it, as far as its file tells.
    case held(by: LockHolder?)
    case cancelled
}

/// How to wait for a lock.
///
/// The waiting thread sleeps until the place tells that the lock may be free (of a file: a process
/// closed it, says inotify), until the work is cancelled, or until its time is over. inotify tells
/// neither what other machines do on a network file system, nor, when a process dies, that its lock
/// is gone already. So the lock is tried again after a pause, too: short after each event, doubled
/// each time, a second at most.
public struct LockWait: Sendable {
    private let lock: any LockPlace
    /// The place of `BoundedCalls`: what holds several locks, whose calls may hang together.
    private let place: String

    private static let pauseMin: Int64 = 1_000_000
    private static let pauseMax: Int64 = 1_000_000_000

    public init(for lock: any LockPlace, in place: String) {
        self.lock = lock
        self.place = place
    }

    /// Takes the lock and leaves a note of who holds it. Waits while another holder has it.
    ///
    /// - Parameters:
    ///   - deadline: end of the wait, in nanoseconds of `Clock.steady`; a time that is over means
    ///     one try. `policy.limit` is not asked.
    ///   - prepare: called before the lock is opened.
    ///   - onWait: called once, when the wait has lasted for `policy.noticeAfter`.
    /// - Throws: `timedOut` when a call does not answer, `interrupted` when the work is cancelled
    ///   before it does.
    public func take(
        as holder: LockHolder, until deadline: Int64, _ policy: WaitPolicy,
        prepare: @escaping @Sendable () throws(IOError) -> Void = {},
        onWait: (LockHolder?) -> Void = { _ in }
    ) throws(IOError) -> LockOutcome {
        let note = holder.encoded()
        let (handle, isTaken) = try call(policy) { [lock] () throws(IOError) in
            try prepare()
            let handle = try lock.open()
            return (handle, isTaken: try handle.take(note: note))
        }
        if isTaken { return .taken(handle) }
        return try wait(for: handle, note: note, until: deadline, policy, onWait)
    }

    private func wait(
        for handle: any LockHandle, note: [UInt8], until deadline: Int64, _ policy: WaitPolicy,
        _ onWait: (LockHolder?) -> Void
    ) throws(IOError) -> LockOutcome {
        let noticeTime = Clock.steady() + policy.noticeAfter
        // Before the next try: what happens between the two is not missed.
        let watch = try call(policy) { [lock] () throws(IOError) in try lock.watch() }
        var pause = Self.pauseMin
        var isNoticed = false
        while true {
            let isTaken = try call(policy) { () throws(IOError) in try handle.take(note: note) }
            if isTaken { return .taken(handle) }
            if policy.cancellation.isCancelled { return .cancelled }
            let now = Clock.steady()
            if now >= deadline { return .held(by: readHolder(policy)) }
            if !isNoticed, now >= noticeTime {
                isNoticed = true
                onWait(readHolder(policy))
            }
            let until = min(deadline, now + pause, isNoticed ? .max : noticeTime)
            var hasHappened = false
            if let watch {
                hasHappened = watch.wait(until: until, policy.cancellation)
            } else {
                policy.cancellation.wait(until: until)
            }
            pause = hasHappened ? Self.pauseMin : min(2 * pause, Self.pauseMax)
        }
    }

    /// Whether another holder has the lock now. Does not create it.
    /// - Throws: `timedOut` when the call does not answer.
    public func isHeld(_ policy: WaitPolicy) throws(IOError) -> Bool {
        try call(policy) { [lock] () throws(IOError) in try lock.isHeld() }
    }

    private func readHolder(_ policy: WaitPolicy) -> LockHolder? {
        do throws(IOError) {
            let bytes = try call(policy) { [lock] () throws(IOError) in
                try lock.note(max: LockHolder.byteCount)
            }
            return LockHolder(decoding: bytes)
        } catch {
            return nil
        }
    }

    /// How long a call may take once the work is cancelled: that ends waits, but what can be had at
    /// once, such as the place for the last line of a journal, is still had.
    private static let cancelledAnswerLimit: Int64 = 500_000_000

    /// Makes a call that may hang.
    /// - Throws: `timedOut` when there is no answer; `interrupted` when it is cancelled first.
    private func call<T: Sendable>(
        _ policy: WaitPolicy, _ body: @escaping @Sendable () throws(IOError) -> T
    ) throws(IOError) -> T {
        let isCancelled = policy.cancellation.isCancelled
        let result = BoundedCalls.run(
            in: place,
            within: isCancelled
                ? min(Self.cancelledAnswerLimit, policy.answerLimit)
                : policy.answerLimit,
            isCancelled ? Cancellation() : policy.cancellation
        ) { () -> Result<T, IOError> in
            do throws(IOError) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        if let result { return try result.get() }
        throw IOError(
            "lock", place: lock.description,
            policy.cancellation.isCancelled ? .interrupted : .timedOut)
    }
}
