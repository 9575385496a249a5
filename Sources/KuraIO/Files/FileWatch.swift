internal import CLinux
internal import Glibc
public import SystemPackage

/// Tells a thread that sleeps when something happened to one file (inotify).
///
/// It is a hint: on a network file system the kernel sees nothing of what other machines do, and a
/// limit of the system may refuse a watch. So who waits looks for himself from time to time, too.
public final class FileWatch: Sendable {
    public enum Event: Sendable {
        /// The file's bytes changed.
        case change
        /// A process that could write to the file closed it.
        case close
    }

    private let descriptor: Int32

    /// - Returns: nil where the system has no watch to give.
    public init?(_ path: FilePath, for event: Event) {
        let events = event == .change ? KURA_WATCH_CHANGE : KURA_WATCH_CLOSE
        descriptor = kura_watch(path.string, Int32(events))
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Sleeps until the event happened, the work is cancelled, or it is `deadline`, in nanoseconds
    /// of `Clock.steady`. What happened since the watch was made, or since the last call, counts.
    /// - Returns: whether it happened.
    public func wait(until deadline: Int64, _ cancellation: Cancellation) -> Bool {
        guard let wake = WakeDescriptor() else {
            cancellation.wait(until: deadline)
            return drain()
        }
        return cancellation.notifying(
            { wake.wake() },
            during: {
                while !cancellation.isCancelled {
                    let left = deadline - Clock.steady()
                    guard left > 0 else { return drain() }
                    var wanted = [
                        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                        pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
                    ]
                    // Rounded up: a wait of less than a millisecond must not become none.
                    _ = poll(&wanted, nfds_t(wanted.count), Int32(clamping: left / 1_000_000 + 1))
                    if drain() { return true }
                }
                return false
            })
    }

    /// Takes what has been told so far.
    private func drain() -> Bool {
        var found = false
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(descriptor, buffer.baseAddress, buffer.count) > 0 { found = true }
        }
        return found
    }
}

/// A descriptor that `poll` finds readable once another thread said so. The thread that wakes and
/// the one that waits both own it, so it is closed behind both.
package final class WakeDescriptor: Sendable {
    package let descriptor: Int32

    /// - Returns: nil where this process has no descriptor left.
    package init?() {
        descriptor = kura_event_descriptor()
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    package func wake() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }
}
