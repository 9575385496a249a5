package import KuraIO
package import KuraOperations
package import KuraPortal
internal import KuraVault
internal import SystemPackage

/// Runs the schedule of the home while no other process does.
package final class ScheduleRunner: Sendable {
    /// How often it looks for what is due.
    private static let pauseNanoseconds: Int64 = 30_000_000_000

    private let open: @Sendable (Cancellation) throws(KuraError) -> Operations
    private let tell: @Sendable (String) -> Void
    private let cancellation = Cancellation()
    private let over = Latch(1)
    private let held = Guarded(SettingsPage.State.Scheduler.elsewhere)

    /// - Parameters:
    ///   - open: the home, anew for each step.
    ///   - tell: what goes wrong, for the log.
    package init(
        _ open: @escaping @Sendable (Cancellation) throws(KuraError) -> Operations,
        tell: @escaping @Sendable (String) -> Void
    ) {
        self.open = open
        self.tell = tell
    }

    package var state: SettingsPage.State.Scheduler { held.read() }

    package func start() {
        Threads.detach { [self] in
            work()
            over.signal()
        }
    }

    /// Ends at the next safe point of what runs.
    /// - Returns: whether it ended in time.
    package func stop(until deadline: Int64) -> Bool {
        cancellation.cancel()
        return over.wait(until: deadline)
    }

    private func work() {
        var seat: SchedulerSeat?
        // What is wrong in each step is told once.
        var told = ""
        while !cancellation.isCancelled {
            do throws(KuraError) {
                let operations = try open(cancellation)
                if seat == nil { seat = try operations.takeSchedule() }
                let isHere = seat != nil
                held.update { $0 = isHere ? .here : .elsewhere }
                let report = isHere ? try operations.tick(Tick()) : nil
                let failures = report?.failures.map { "\($0.what): \($0.error.message)" } ?? []
                let text = failures.joined(separator: "; ")
                if text != told, !text.isEmpty { tell(text) }
                told = text
            } catch {
                if error.message != told { tell(error.message) }
                told = error.message
            }
            cancellation.wait(until: Clock.steady() + Self.pauseNanoseconds)
        }
    }
}
