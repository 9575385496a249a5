internal import Glibc
public import KuraIO
internal import Synchronization
public import SystemPackage

/// A connected socket whose waits end: with the work, and when nothing comes for too long.
public final class SocketStream: ByteStream {
    private let descriptor: Int32
    private let name: String
    private let patience: Int64
    private let ending: Mutex<Cancellation>

    /// How long a wait lasts before it looks for a cancellation.
    private static let waitMilliseconds: Int64 = 100
    /// How long a server may take for one answer, in nanoseconds: a disk that sleeps or a file
    /// server that is busy may need a while.
    public static let defaultPatience: Int64 = 120_000_000_000

    /// - Parameters:
    ///   - descriptor: connected; becomes this object's to close.
    ///   - name: what messages call the server.
    ///   - patience: how long the server may take for one answer, in nanoseconds.
    public init(
        adopting descriptor: Int32, name: String, patience: Int64 = defaultPatience,
        cancellation: Cancellation
    ) {
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
        self.descriptor = descriptor
        self.name = name
        self.patience = patience
        ending = Mutex(cancellation)
    }

    deinit { close(descriptor) }

    /// Connects to the socket of a server.
    public static func connect(
        to path: FilePath, cancellation: Cancellation, patience: Int64 = defaultPatience
    ) throws(KuraError) -> SocketStream {
        let descriptor = try UnixSocket.make()
        do throws(KuraError) {
            try UnixSocket.connect(descriptor, to: path)
        } catch {
            close(descriptor)
            throw error
        }
        return SocketStream(
            adopting: descriptor, name: path.string, patience: patience,
            cancellation: cancellation)
    }

    public func end(with cancellation: Cancellation) { ending.withLock { $0 = cancellation } }

    public func send(_ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        var done = 0
        let deadline = Clock.steady() + patience
        while done < bytes.count {
            let count = Glibc.send(
                descriptor, bytes.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                done += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, until: deadline)
            } else if errno != EINTR {
                throw failure("write to")
            }
        }
    }

    public func receive(into target: UnsafeMutableRawBufferPointer) throws(KuraError) {
        var done = 0
        let deadline = Clock.steady() + patience
        while done < target.count {
            let count = recv(descriptor, target.baseAddress! + done, target.count - done, 0)
            if count > 0 {
                done += count
            } else if count == 0 {
                throw KuraError(.io, "\(name) has closed the connection")
            } else if errno == EAGAIN {
                try wait(for: POLLIN, until: deadline)
            } else if errno != EINTR {
                throw failure("read from")
            }
        }
    }

    public func waitForBytes() throws(KuraError) -> Bool {
        while true {
            try wait(for: POLLIN, until: .max)
            var byte: UInt8 = 0
            let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK))
            if count >= 0 { return count > 0 }
            guard errno == EAGAIN || errno == EINTR else { throw failure("read from") }
        }
    }

    private func wait(for event: Int32, until deadline: Int64) throws(KuraError) {
        while true {
            if ending.withLock({ $0.isCancelled }) { throw .interruptedByUser }
            let left = deadline - Clock.steady()
            guard left > 0 else {
                throw KuraError(
                    .io, "\(name) has not answered for \(patience / 1_000_000_000) s",
                    remedy: .retry())
            }
            var request = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            let milliseconds = min(left / 1_000_000 + 1, Self.waitMilliseconds)
            let ready = poll(&request, 1, Int32(milliseconds))
            if ready > 0 { return }
            guard ready == 0 || errno == EINTR else { throw failure("wait for") }
        }
    }

    private func failure(_ operation: String) -> KuraError {
        KuraError(io: IOError(operation, place: name, Errno(rawValue: errno)))
    }
}

/// Sockets that have a path.
package enum UnixSocket {
    /// Of a socket that no child inherits.
    static let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

    package static func make() throws(KuraError) -> Int32 {
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else {
            throw KuraError(.io, "no socket: \(Errno(rawValue: errno))")
        }
        return descriptor
    }

    /// A socket of this path, which this user alone can connect to.
    /// - Parameter backlog: how many may wait to be accepted.
    package static func listen(
        at path: FilePath, backlog: Int32
    ) throws(KuraError) -> Int32 {
        let descriptor = try make()
        // Before it has a path: no other user can connect at any moment.
        fchmod(descriptor, 0o600)
        let result: Int32
        do throws(KuraError) {
            result = try withAddress(path) { bind(descriptor, $0, $1) }
        } catch {
            close(descriptor)
            throw error
        }
        guard result == 0, Glibc.listen(descriptor, backlog) == 0 else {
            let reason = Errno(rawValue: errno)
            close(descriptor)
            throw KuraError(io: IOError("make the socket", at: path, reason))
        }
        return descriptor
    }

    package static func connect(_ descriptor: Int32, to path: FilePath) throws(KuraError) {
        let result = try withAddress(path) { Glibc.connect(descriptor, $0, $1) }
        guard result == 0 else {
            throw KuraError(io: IOError("connect to", at: path, Errno(rawValue: errno)))
        }
    }

    private static func withAddress(
        _ path: FilePath, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(KuraError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.string.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw KuraError(
                .invalidInput, "\(path) is too long for the path of a socket",
                remedy: .advice(
                    "choose one of less than \(MemoryLayout.size(ofValue: address.sun_path)) bytes")
            )
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }
}
