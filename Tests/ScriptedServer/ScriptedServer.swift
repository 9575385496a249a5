import Glibc
import KuraIO
import Synchronization

/// A server of S3 in this process: one bucket in memory, behind a real socket. It does what the
/// standard says, and goes wrong on request.
public final class ScriptedServer: Sendable {
    public enum Fault: Sendable {
        /// Nothing is done, and this is answered.
        case refusal(Int, code: String, headers: [String: String] = [:])
        /// Nothing is done, and these bytes are the answer.
        case answer([UInt8])
        /// Nothing is done, and a document is the answer.
        public static func document(_ text: String, status: Int = 200) -> Fault {
            let head = "HTTP/1.1 \(status) Words\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
            return .answer(Array((head + text).utf8))
        }

        /// It is done, and the connection ends without an answer.
        case lostAnswer
        /// It is done, and the body of the answer ends after so many bytes.
        case cutAnswer(Int)
        /// It is done, and a byte of the answer is wrong.
        case wrongByte
        /// It is done, and the answer is good and holds an error.
        case errorInside(String)
        /// Nothing is done, and the connection ends.
        case dropped
        /// Nothing is done, and no answer comes.
        case stall
        /// Another writer puts an object before it is done.
        case replaced(String, [UInt8])
    }

    /// What the server makes of conditions.
    public enum Conditions: Sendable {
        case honoured
        case ignored
        /// A tag in quotes is never equal.
        case bareTags
    }

    public struct Request: Sendable {
        public var method: String
        /// Decoded; empty for the bucket.
        public var key: String
        public var query: [String: String]
        /// By names in lower case.
        public var headers: [String: String]
        public var body: [UInt8]
        /// Requests before this one.
        public var number: Int
    }

    struct State {
        var bucket: Bucket
        var requests: [Request] = []
        var fault: (@Sendable (Request) -> Fault?)?
        var connections: Set<Int32> = []
        var isOver = false
    }

    public let port: Int
    private let listener: Int32
    let state: Mutex<State>
    private static let headBytesMax = 1 << 16

    /// - Parameters:
    ///   - bucket: its name.
    ///   - pageCount: most names in a page of a listing.
    public init(bucket: String = "bucket", pageCount: Int = 1000) {
        signal(SIGPIPE, SIG_IGN)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let found = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw -> Bool in
                bind(listener, raw, length) == 0 && listen(listener, 128) == 0
                    && getsockname(listener, raw, &length) == 0
            }
        }
        precondition(found, "no socket")
        port = Int(UInt16(bigEndian: address.sin_port))
        state = Mutex(State(bucket: Bucket(name: bucket, pageCount: pageCount)))
        Threads.detach { [self] in accept() }
    }

    /// The address of a store in the bucket.
    public func address(_ prefix: String = "") -> String {
        let name = state.withLock { $0.bucket.name }
        return "s3+http://127.0.0.1:\(port)/\(name)" + (prefix.isEmpty ? "" : "/\(prefix)")
    }

    /// What goes wrong from now on.
    public func inject(_ fault: (@Sendable (Request) -> Fault?)?) {
        state.withLock { $0.fault = fault }
    }

    /// Goes wrong the first `count` times that a request is one of those.
    public func inject(
        _ fault: Fault, times count: Int = 1, where isMeant: @escaping @Sendable (Request) -> Bool
    ) {
        let rest = Guarded(count)
        inject { request in
            guard isMeant(request) else { return nil }
            let isNext = rest.update { rest in
                rest -= 1
                return rest >= 0
            }
            return isNext ? fault : nil
        }
    }

    public var requests: [Request] { state.withLock { $0.requests } }

    public var keys: [String] { state.withLock { $0.bucket.objects.keys.sorted() } }

    /// Uploads in parts that were begun and not ended.
    public var uploadCount: Int { state.withLock { $0.bucket.uploads.count } }

    /// Changes the bytes of an object behind the back of the server.
    public func damage(_ key: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            if var object = state.bucket.objects[key] {
                change(&object.bytes)
                state.bucket.objects[key] = object
            }
        }
    }

    public func put(_ key: String, _ bytes: [UInt8]) {
        state.withLock { $0.bucket.write(key, bytes, [:]) }
    }

    public func set(conditions: Conditions) {
        state.withLock { $0.bucket.conditions = conditions }
    }

    /// How far the server's clock is from that of the machine, in seconds.
    public func set(clockOffset seconds: Int) {
        state.withLock { $0.bucket.clockOffset = seconds }
    }

    /// Ends all connections, and takes none.
    public func stop() {
        let connections = state.withLock { state in
            state.isOver = true
            return state.connections
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    // MARK: Connections

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            guard connection >= 0 else { break }
            let isOver = state.withLock { state in
                state.connections.insert(connection)
                return state.isOver
            }
            guard !isOver else { break }
            Threads.detach { [self] in
                serve(connection)
                _ = state.withLock { $0.connections.remove(connection) }
                close(connection)
            }
        }
        close(listener)
    }

    private func serve(_ connection: Int32) {
        var noDelay: Int32 = 1
        setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, 4)
        var buffer: [UInt8] = []
        while let request = read(connection, &buffer) {
            let (request, fault) = state.withLock { state -> (Request, Fault?) in
                var request = request
                request.number = state.requests.count
                var record = request
                record.body = []
                state.requests.append(record)
                return (request, state.fault?(request))
            }
            guard answer(request, fault, on: connection) else { return }
        }
    }

    /// - Returns: whether the connection goes on.
    private func answer(_ request: Request, _ fault: Fault?, on connection: Int32) -> Bool {
        switch fault {
        case .dropped: return false
        case .refusal(let status, let code, let headers):
            var response = Response.error(status, code)
            response.headers.merge(headers) { _, new in new }
            return send(response, to: request, on: connection)
        case .answer(let bytes):
            _ = write(bytes, to: connection)
            return false
        case .stall:
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
            return false
        case .replaced(let key, let bytes): put(key, bytes)
        default: break
        }
        var response = state.withLock { $0.bucket.answer(request) }
        switch fault {
        case .lostAnswer: return false
        case .wrongByte where !response.body.isEmpty: response.body[response.body.count / 2] ^= 1
        case .errorInside(let code): response.body = Response.error(200, code).body
        case .cutAnswer(let count):
            let whole = response.encoded(isHead: false)
            _ = write(Array(whole.dropLast(max(0, response.body.count - count))), to: connection)
            return false
        default: break
        }
        return send(response, to: request, on: connection)
    }

    private func send(_ response: Response, to request: Request, on connection: Int32) -> Bool {
        write(response.encoded(isHead: request.method == "HEAD"), to: connection)
    }

    private func write(_ bytes: [UInt8], to connection: Int32) -> Bool {
        bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                let count = Glibc.send(
                    connection, raw.baseAddress! + done, raw.count - done,
                    Int32(MSG_NOSIGNAL))
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
    }

    private func fill(_ connection: Int32, _ buffer: inout [UInt8]) -> Bool {
        let part = [UInt8](unsafeUninitializedCapacity: 1 << 18) { target, count in
            count = max(0, recv(connection, target.baseAddress, 1 << 18, 0))
        }
        buffer += part
        return !part.isEmpty
    }

    private func read(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        while buffer.prefix(Self.headBytesMax).firstRange(of: end) == nil {
            // No text: the other side wants TLS.
            guard fill(connection, &buffer), buffer[0] >= 0x20 else { return nil }
        }
        guard let head = buffer.firstRange(of: end) else { return nil }
        let lines = String(decoding: buffer[..<head.lowerBound], as: UTF8.self)
            .split(separator: "\r\n")
        buffer.removeFirst(head.upperBound)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { continue }
            headers[pair[0].lowercased()] = String(pair[1].drop { $0 == " " })
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while buffer.count < length {
            guard fill(connection, &buffer) else { return nil }
        }
        let body = Array(buffer[..<length])
        buffer.removeFirst(length)
        let words = lines[0].split(separator: " ")
        return Request(
            method: String(words[0]), target: words[1], headers: headers, body: body)
    }
}
