public import KuraIO
internal import KuraVault
internal import SystemPackage

/// The place of the one process of a home that runs its schedule.
///
/// It is a lock of the kernel on a file of the home: a process that dies gives it up, and another
/// one that asks takes over. No safety rests on it, because each run that is due is made once
/// by any of them; it keeps two schedulers from doing the same work side by side, and tells who
/// runs the schedule.
public final class SchedulerSeat: Sendable {
    private let file: OpenFile

    private init(_ file: OpenFile) { self.file = file }

    deinit { LocalFileSystem().close(file) }

    fileprivate static func take(_ path: FilePath) throws(KuraError) -> SchedulerSeat? {
        do throws(IOError) {
            return try LocalFileSystem().lock(path).map { SchedulerSeat($0) }
        } catch {
            throw KuraError(io: error)
        }
    }
}

extension Operations {
    /// Takes the place of the process that runs the schedule. It is given back when the value goes.
    /// - Returns: nil where another process has it.
    public func takeSchedule() throws(KuraError) -> SchedulerSeat? {
        try SchedulerSeat.take(subscription.home.appending("scheduler.lock"))
    }
}
