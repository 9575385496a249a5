import KuraIO
import KuraLog
import TestSupport

/// Runs several programs by turns: every call to a store waits for its turn, and who is next is
/// drawn from a seed. So one seed is one order of all calls.
final class Scheduler: @unchecked Sendable {
    /// One call that waits: of a program, in the parts that it makes calls in at the same time, to
    /// a replica.
    struct Turn: Hashable, Comparable {
        var program: Int
        var replica: Int
        var branch = Branch.path

        static func < (left: Turn, right: Turn) -> Bool {
            if left.program != right.program { return left.program < right.program }
            if left.branch != right.branch {
                return left.branch.lexicographicallyPrecedes(right.branch)
            }
            return left.replica < right.replica
        }
    }

    /// Which part of a program a thread is.
    enum Branch {
        @TaskLocal static var path: [Int] = []
    }

    // `monitor` guards all.
    private let monitor = Monitor()
    private var generator: SeededGenerator
    /// Threads that run or wait for their turn.
    private var live = 0
    private var waiting: Set<Turn> = []
    private var chosen: Turn?
    private var later: [@Sendable () -> Void] = []
    /// Something that may happen instead of a call.
    private var events: [(chance: Int, body: @Sendable () -> Void)] = []
    private(set) var steps = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// Lets something happen once, before one call of so many.
    func addEvent(oneIn chance: Int, _ body: @escaping @Sendable () -> Void) {
        monitor.withLock { events.append((chance, body)) }
    }

    /// Draws a number below a bound, while it is the caller's turn.
    func draw(_ bound: Int) -> Int {
        monitor.withLock { Int.random(in: 0..<bound, using: &generator) }
    }

    /// Runs programs beside each other, to the end of all.
    func run(_ programs: [@Sendable () -> Void]) {
        monitor.withLock { live = programs.count }
        Threads.run(programs.count + 1) { number in
            // With a thread of its own for each program, also where there is one.
            guard number < programs.count else { return }
            programs[number]()
            monitor.withLock {
                live -= 1
                choose()
            }
        }
        let rest = monitor.withLock { later }
        for call in rest { call() }
        later = []
    }

    /// Waits for the turn of one call.
    func wait(_ turn: Turn) {
        monitor.withLock {
            waiting.insert(turn)
            choose()
            while chosen != turn { monitor.wait() }
            chosen = nil
            waiting.remove(turn)
            steps += 1
        }
    }

    func send(_ call: @escaping @Sendable () -> Void) { monitor.withLock { later.append(call) } }

    /// Calls several replicas at the same time.
    var calls: LogSurroundings.Calls {
        { [self] count, body in
            guard count > 1 else {
                if count == 1 { body(0) }
                return
            }
            monitor.withLock { live += count - 1 }
            let left = Left(count)
            let path = Branch.path
            Threads.run(count) { number in
                Branch.$path.withValue(path + [number]) { body(number) }
                monitor.withLock {
                    left.count -= 1
                    // The thread that waits for these goes on in the place of the last one.
                    if left.count > 0 {
                        live -= 1
                        choose()
                    }
                }
            }
        }
    }

    private final class Left: @unchecked Sendable {
        var count: Int
        init(_ count: Int) { self.count = count }
    }

    /// Chooses the next call, where every thread waits for its turn.
    private func choose() {
        guard chosen == nil, live > 0, waiting.count == live else { return }
        for index in events.indices.reversed()
        where Int.random(in: 0..<events[index].chance, using: &generator) == 0 {
            events.remove(at: index).body()
        }
        while !later.isEmpty, Int.random(in: 0..<4, using: &generator) == 0 {
            later.remove(at: Int.random(in: 0..<later.count, using: &generator))()
        }
        chosen = waiting.sorted().randomElement(using: &generator)
        monitor.wakeAll()
    }
}
