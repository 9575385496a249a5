internal import Glibc
public import KuraIO
internal import Synchronization
public import SystemPackage

/// Where clients of an `NBDServer` come: a socket that only its user can connect to, or a port of
/// this machine.
public final class NBDListener: Sendable {
    public enum Place: Sendable {
        /// A file of its own, for this user alone.
        case socket(FilePath)
        /// Of 127.0.0.1: every user of this machine can connect. 0 is any that is free.
        case loopback(UInt16)
    }

    /// For clients, of the first disk: "nbd+unix:///?socket=/run/disk".
    public var address: String { address(of: "") }
    private let root: String
    private let query: String
    private let descriptor: Int32
    /// Ends the wait for clients when something is sent to the first.
    private let alarm: [Int32]
    private let path: FilePath?
    private let identity: (device: UInt64, file: UInt64)?

    /// Who comes when there are so many clients already is sent away.
    public static let clientsMax = 16

    public init(_ place: Place) throws(KuraError) {
        let descriptor: Int32
        switch place {
        case .socket(let path):
            descriptor = try Self.listen(at: path)
            self.path = path
            (root, query) = ("nbd+unix:///", "?socket=\(Self.quoted(path.string))")
            identity = Self.identity(of: path)
        case .loopback(let port):
            descriptor = try LoopbackSocket.listen(port)
            path = nil
            (root, query) = ("nbd://127.0.0.1:\(LoopbackSocket.port(of: descriptor))/", "")
            identity = nil
        }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, UnixSocket.kind, 0, &ends) == 0 else {
            let reason = Errno(rawValue: errno)
            close(descriptor)
            throw KuraError(.io, "no socket: \(reason)")
        }
        self.descriptor = descriptor
        alarm = ends
    }

    deinit {
        for end in alarm + [descriptor] { close(end) }
        // Not one that another program has put there meanwhile.
        if let path, let identity, let found = Self.identity(of: path), found == identity {
            unlink(path.string)
        }
    }

    /// For clients, of a disk by its name.
    public func address(of disk: String) -> String { root + Self.quoted(disk) + query }

    /// Serves every client that comes, until the work is cancelled and all of them are gone.
    /// - Parameters:
    ///   - patience: as `NBDServer.patience` has it.
    ///   - clientFailed: is told why a client was sent away.
    public func run(
        _ server: NBDServer, cancellation: Cancellation, patience: Int64 = NBDServer.patience,
        clientFailed: @escaping @Sendable (KuraError) -> Void = { _ in }
    ) throws(KuraError) {
        let clients = Clients()
        defer { clients.waitForAll() }
        // Holds this object: its descriptors must not be another one's when it is called late.
        try cancellation.notifying { [self] in
            _ = Glibc.send(alarm[0], "e", 1, Int32(MSG_NOSIGNAL))
        } during: { () throws(KuraError) in
            while let client = try accept(cancellation) {
                let stream = SocketStream(
                    adopting: client, name: "a client", patience: patience,
                    cancellation: cancellation)
                guard clients.enter(most: Self.clientsMax) else {
                    clientFailed(
                        KuraError(.refused, "a client found \(Self.clientsMax) others and left"))
                    continue
                }
                Threads.detach {
                    do throws(KuraError) {
                        try server.serve(stream)
                    } catch {
                        if error.code != .interrupted { clientFailed(error) }
                    }
                    clients.leave()
                }
            }
        }
    }

    /// - Returns: nil when the work is cancelled.
    private func accept(_ cancellation: Cancellation) throws(KuraError) -> Int32? {
        while !cancellation.isCancelled {
            var events = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: alarm[1], events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&events, 2, -1) > 0, events[0].revents != 0 else { continue }
            let client = Glibc.accept(descriptor, nil, nil)
            if client >= 0 {
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                return client
            }
            switch errno {
            // It left before it was taken, or there is no room for it now.
            case EINTR, EAGAIN, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                cancellation.wait(until: Clock.steady() + 100_000_000)
            default: throw KuraError(.io, "no clients can come: \(Errno(rawValue: errno))")
            }
        }
        return nil
    }

    // MARK: Sockets with a path

    private static func listen(at path: FilePath) throws(KuraError) -> Int32 {
        do throws(KuraError) {
            return try UnixSocket.listen(at: path, backlog: Int32(clientsMax))
        } catch {
            guard (error.cause as? IOError)?.errno == .addressInUse, try isLeftBehind(path) else {
                throw error
            }
            unlink(path.string)
            return try UnixSocket.listen(at: path, backlog: Int32(clientsMax))
        }
    }

    /// Whether a socket is there on which no program listens: what a killed server leaves.
    private static func isLeftBehind(_ path: FilePath) throws(KuraError) -> Bool {
        var status = stat()
        guard lstat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            throw KuraError(
                .exists, "\(path) exists already", remedy: .advice("choose another path"))
        }
        let descriptor = try UnixSocket.make()
        defer { close(descriptor) }
        do throws(KuraError) {
            try UnixSocket.connect(descriptor, to: path)
        } catch {
            return (error.cause as? IOError)?.errno == .connectionRefused
        }
        throw KuraError(
            .exists, "a program listens on \(path) already",
            remedy: .advice("stop it, or choose another path"))
    }

    private static func identity(of path: FilePath) -> (device: UInt64, file: UInt64)? {
        var status = stat()
        guard lstat(path.string, &status) == 0 else { return nil }
        return (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// As a part of an address.
    private static func quoted(_ text: String) -> String {
        text.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain =
                scalar.isASCII
                && (scalar.properties.isAlphabetic
                    || "0123456789/-._~".unicodeScalars.contains(scalar))
            return isPlain ? String(scalar) : "%" + hexDigits(byte)
        }.joined()
    }

    private static func hexDigits(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return text.count == 1 ? "0" + text : text
    }
}

/// How many clients there are.
private final class Clients: @unchecked Sendable {
    private let monitor = Monitor()
    private var count = 0

    func enter(most: Int) -> Bool {
        monitor.withLock {
            guard count < most else { return false }
            count += 1
            return true
        }
    }

    func leave() {
        monitor.withLock {
            count -= 1
            monitor.wakeAll()
        }
    }

    func waitForAll() {
        monitor.withLock { while count > 0 { monitor.wait() } }
    }
}

/// Sockets of this machine that have a number.
private enum LoopbackSocket {
    static func listen(_ port: UInt16) throws(KuraError) -> Int32 {
        let descriptor = socket(AF_INET, UnixSocket.kind, 0)
        guard descriptor >= 0 else {
            throw KuraError(.io, "no socket: \(Errno(rawValue: errno))")
        }
        var yes: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        // Clients inherit it.
        setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes,
            socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, Glibc.listen(descriptor, Int32(NBDListener.clientsMax)) == 0 else {
            let reason = Errno(rawValue: errno)
            close(descriptor)
            throw KuraError(
                .io, "port \(port) of 127.0.0.1 cannot be used: \(reason)",
                remedy: .advice("choose another port, or a socket"))
        }
        return descriptor
    }

    static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}
