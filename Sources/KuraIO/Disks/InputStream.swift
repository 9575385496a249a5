internal import Glibc
internal import SystemPackage

/// Bytes that come in order and end some time: standard input.
public final class InputStream: Sendable {
    private let descriptor: Int32
    public let name: String

    private let cancellation: Cancellation
    /// How long a wait for bytes lasts before it looks for a cancellation.
    private static let waitMilliseconds: Int32 = 100

    /// - Parameters:
    ///   - descriptor: stays the caller's.
    ///   - cancellation: ends the stream early, also while nothing comes.
    public init(descriptor: Int32, name: String, cancellation: Cancellation = Cancellation()) {
        self.descriptor = descriptor
        self.name = name
        self.cancellation = cancellation
    }

    /// Fills `target`; fewer bytes come back only at the end of the stream, or when it is cancelled.
    /// One caller at a time.
    public func read(into target: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
        // A descriptor that cannot be read is never ready either: waiting for it would not end.
        guard fcntl(descriptor, F_GETFL) & O_ACCMODE != O_WRONLY else {
            throw IOError("read", FilePath(name), .badFileDescriptor)
        }
        var done = 0
        while done < target.count, !cancellation.isCancelled {
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&request, 1, Self.waitMilliseconds) == 0 { continue }
            let count = Glibc.read(descriptor, target.baseAddress! + done, target.count - done)
            if count == 0 { break }
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw IOError("read", FilePath(name), Errno(rawValue: Glibc.errno))
            }
            done += count
        }
        return done
    }
}
