internal import Glibc

/// A child process of this one, whose end a thread of its own waits for.
package final class ChildProcess: @unchecked Sendable {
    private let process: pid_t
    private let monitor = Monitor()
    /// As `waitpid` gives it; nil until the process has ended. `monitor` guards it.
    private var status: Int32?

    /// - Parameter process: a child that nothing else waits for.
    package init(_ process: Int32) {
        self.process = process
        Threads.detach { self.collect() }
    }

    private func collect() {
        // Leaves the status: until it is collected, no other process gets this number, so that a
        // signal cannot reach a stranger.
        var information = siginfo_t()
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        monitor.withLock {
            var value: Int32 = 0
            while waitpid(process, &value, 0) < 0, errno == EINTR {}
            status = value
            monitor.wakeAll()
        }
    }

    /// Waits for its end, not longer than until `deadline`, in nanoseconds of `Clock.steady`, nor
    /// after the work is cancelled.
    /// - Returns: its status; nil while it runs.
    package func wait(
        until deadline: Int64 = .max, _ cancellation: Cancellation
    ) -> Int32? {
        cancellation.notifying(
            { self.monitor.withLock { self.monitor.wakeAll() } },
            during: {
                monitor.withLock {
                    while status == nil, !cancellation.isCancelled, Clock.steady() < deadline {
                        monitor.wait(until: deadline)
                    }
                    return status
                }
            })
    }

    package var isRunning: Bool {
        monitor.withLock {
            guard status == nil else { return false }
            var information = siginfo_t()
            let result = waitid(
                P_PID, id_t(process), &information, WEXITED | WNOWAIT | WNOHANG)
            return result == 0 && information.si_signo == 0
        }
    }

    /// Sends a signal to the process, or to the group that it leads. One that has ended gets none.
    package func send(_ signal: Int32, toGroup: Bool = false) {
        monitor.withLock {
            if status == nil { kill(toGroup ? -process : process, signal) }
        }
    }
}
