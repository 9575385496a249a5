import KuraFormat
import KuraIO
import KuraLog
import Synchronization
import TestSupport

/// One program that uses the log: what it calls, and what happens to it. It calls replicas one
/// after the other, so that calls have numbers.
class Program: @unchecked Sendable {
    struct Event: Sendable, CustomStringConvertible {
        var call: String
        var key: String
        var replica: Int

        var description: String { "\(call) \(key) in replica \(replica)" }
    }

    let key: TestKey
    private let log = Mutex<[Event]>([])

    init(_ key: TestKey = World.root) { self.key = key }

    var surroundings: LogSurroundings { .plain }

    var events: [Event] { log.withLock { $0 } }

    func watch(_ replica: Int, _ world: World) -> any Watch {
        ReplicaWatch(self, replica, world)
    }

    /// Decides what happens to a call that reaches its replica.
    func fate(_ event: Event, number: Int) -> Fate { .done }
    func send(_ call: @escaping @Sendable () -> Void) {}
    /// Called before everything else, on the thread of the call.
    func wait(_ replica: Int) {}

    fileprivate func fate(_ event: Event, in world: World) -> Fate {
        wait(event.replica)
        if world.away.contains(event.replica) { return .refused }
        let number = log.withLock { log in
            log.append(event)
            return log.count
        }
        return fate(event, number: number)
    }

    private struct ReplicaWatch: Watch {
        let program: Program
        let replica: Int
        let world: World

        init(_ program: Program, _ replica: Int, _ world: World) {
            self.program = program
            self.replica = replica
            self.world = world
        }

        func fate(of call: String, _ key: String) -> Fate {
            program.fate(Event(call: call, key: key, replica: replica), in: world)
        }

        func send(_ call: @escaping @Sendable () -> Void) { program.send(call) }
    }
}

/// Dies at one call.
final class MortalProgram: Program, @unchecked Sendable {
    private let last: Int
    private let isLastDone: Bool

    /// - Parameters:
    ///   - last: number of the call at which it dies, counted from 1.
    ///   - isLastDone: whether that call is done.
    init(diesAt last: Int, isLastDone: Bool, _ key: TestKey = World.root) {
        self.last = last
        self.isLastDone = isLastDone
        super.init(key)
    }

    override func fate(_ event: Event, number: Int) -> Fate {
        if number < last { return .done }
        return number == last && isLastDone ? .answerLost : .refused
    }

    override var surroundings: LogSurroundings {
        var surroundings = super.surroundings
        surroundings.pause = { _ throws(KuraError) in
            throw KuraError(.interrupted, "the program is dead")
        }
        return surroundings
    }

    /// Whether it came to the call at which it dies.
    var isDead: Bool { events.count >= last }
}

/// Takes its turns from a scheduler, and loses answers and calls now and then.
final class ScheduledProgram: Program, @unchecked Sendable {
    private let scheduler: Scheduler
    private let number: Int
    /// Of a hundred puts, how many go wrong.
    private let faults: Int
    private let isDead = Atomic<Bool>(false)

    init(_ number: Int, _ scheduler: Scheduler, faults: Int = 0) {
        self.scheduler = scheduler
        self.number = number
        self.faults = faults
        super.init(TestKey(UInt8(number % 3 + 1)))
    }

    func die() { isDead.store(true, ordering: .releasing) }

    override func wait(_ replica: Int) {
        scheduler.wait(Scheduler.Turn(program: number, replica: replica))
    }

    override func fate(_ event: Event, number: Int) -> Fate {
        if isDead.load(ordering: .acquiring) || number > 5000 { return .refused }
        guard event.call == "put", scheduler.draw(100) < faults else { return .done }
        let fates: [Fate] = [.answerLost, .late, .twice, .refused]
        return fates[scheduler.draw(fates.count)]
    }

    override func send(_ call: @escaping @Sendable () -> Void) { scheduler.send(call) }

    override var surroundings: LogSurroundings {
        LogSurroundings(
            calls: scheduler.calls,
            pause: { [self] _ throws(KuraError) in
                wait(100)
                if isDead.load(ordering: .acquiring) || events.count > 5000 {
                    throw KuraError(.interrupted, "the program is dead")
                }
            }, now: { 0 })
    }
}
