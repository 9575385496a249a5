import Glibc
import KuraIO
import Synchronization

/// SIGINT and SIGTERM ask for a clean end; the second one ends at once.
///
/// No code of ours runs in a signal handler, where hardly anything is safe: both signals are
/// blocked in every thread, and one thread takes them with `sigwait`, as ordinary values. It may
/// therefore take locks and wake threads that wait, as `Cancellation.cancel` does.
enum Interrupts {
    static let cancellation = Cancellation()
    private static let termination = Atomic<Bool>(false)

    /// Whether it was SIGTERM that asked for the end: a service manager, not a person.
    static var isTermination: Bool { termination.load(ordering: .acquiring) }

    /// Call once, before any other thread is started: threads inherit what is blocked. Programs
    /// that Kura starts do not, see `kura_spawn_session`.
    static func install() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            // Some parents start programs with these ignored; then Ctrl-C would do nothing.
            signal(number, SIG_DFL)
            sigaddset(&signals, number)
        }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        Threads.detach { [signals] in takeSignals(signals) }
    }

    private static func takeSignals(_ signals: sigset_t) {
        var signals = signals
        while true {
            var number: Int32 = 0
            guard sigwait(&signals, &number) == 0 else { continue }
            if cancellation.isCancelled { _exit(130) }
            termination.store(number == SIGTERM, ordering: .releasing)
            cancellation.cancel()
        }
    }
}
