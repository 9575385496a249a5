internal import KuraIO

/// A request as it goes to a server.
struct HTTPRequest {
    var method: String
    var url: String
    var headers: [(name: String, value: String)]
    /// The body, one piece after the other. Valid while the request is made.
    var body: [UnsafeRawBufferPointer] = []

    var bodyByteCount: Int { body.reduce(0) { $0 + $1.count } }
}

struct HTTPAnswer: Sendable {
    var status: Int
    /// By names in lower case.
    var headers: [String: String]
    /// What went to memory.
    var body: [UInt8]
    /// Bytes of the body, wherever they went.
    var byteCount: Int
    /// Whether the library sent the request once more by itself: the connection that was kept had
    /// ended, perhaps after the server had done what was asked.
    var wasRepeated = false

    var isGood: Bool { (200...299).contains(status) }
}

/// Where the body of a good answer goes. That of any other goes to memory.
enum AnswerSink {
    case memory(max: Int)
    case buffer(UnsafeMutableRawBufferPointer)
    /// It is compared, and the exchange ends at the first difference.
    case comparison([UnsafeRawBufferPointer])
}

/// An exchange that came to no answer.
struct TransferFailure: Error {
    enum Reason: Equatable {
        case cancelled
        /// Nothing, or nearly nothing, came or went for too long.
        case stalled
        /// The answer is longer than was asked for.
        case tooLong
        /// The bytes are not those that they were compared with.
        case different
        case unreachable
        /// No connection by TLS came about.
        case unsecured
        /// The certificate is not trusted.
        case untrusted
        case broken
    }

    var reason: Reason
    /// What the library says.
    var text: String
    /// Whether the server may have got the request.
    var mayHaveArrived: Bool
}

/// One request on its way, and what came back: what the calls back from the library work on. They
/// come on the thread that makes the request.
final class Exchange {
    private static let headerBytesMax = 1 << 16
    private static let errorBytesMax = 1 << 16
    /// A server that sends less than this in the time of a stall counts as stalled.
    private static let stallBytes: Int64 = 1024
    /// For how many such times less is enough: servers send spaces while they put parts together.
    private static let slowWindowsMax = 10

    private let body: [UnsafeRawBufferPointer]
    private var piece = 0
    private var offset = 0

    private let sink: AnswerSink
    private var headerByteCount = 0
    private(set) var answer = HTTPAnswer(status: 0, headers: [:], body: [], byteCount: 0)
    private(set) var failure: TransferFailure.Reason?

    private let cancellation: Cancellation
    private let stallLimit: Int64
    private let steady: @Sendable () -> Int64
    private var windowStart: Int64
    private var windowBytes: Int64 = 0
    private var slowWindows = 0

    init(
        _ request: HTTPRequest, into sink: AnswerSink, with settings: TransferSettings,
        _ cancellation: Cancellation
    ) {
        body = request.body
        self.sink = sink
        self.cancellation = cancellation
        stallLimit = settings.stallLimit
        steady = settings.steady
        windowStart = settings.steady()
    }

    // MARK: Out

    /// Fills a buffer with what is sent next.
    func send(into target: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while count < target.count, piece < body.count {
            let part = min(body[piece].count - offset, target.count - count)
            if part > 0 {
                let source = UnsafeRawBufferPointer(rebasing: body[piece][offset..<offset + part])
                UnsafeMutableRawBufferPointer(rebasing: target[count...]).copyMemory(from: source)
            }
            count += part
            offset += part
            if offset == body[piece].count { (piece, offset) = (piece + 1, 0) }
        }
        return count
    }

    /// Goes to a place in the body, to send it again on another connection.
    func seek(to place: Int) -> Bool {
        answer.wasRepeated = true
        (piece, offset) = (0, place)
        while piece < body.count, offset >= body[piece].count {
            offset -= body[piece].count
            piece += 1
        }
        return place >= 0 && offset == 0 || piece < body.count
    }

    // MARK: In

    /// Takes a line of the head of an answer.
    /// - Returns: whether the exchange goes on.
    func receive(head line: UnsafeRawBufferPointer) -> Bool {
        headerByteCount += line.count
        guard headerByteCount <= Self.headerBytesMax else { return stop(.tooLong) }
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            let parts = text.split(separator: " ", maxSplits: 2)
            answer.status = parts.count > 1 ? Int(parts[1].prefix(3)) ?? 0 : 0
            answer.headers = [:]
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...]
                .drop { $0 == " " }
                .prefix { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
            answer.headers[text[..<colon].lowercased()] = String(value)
        }
        return true
    }

    /// Takes a part of the body of an answer.
    /// - Returns: whether the exchange goes on.
    func receive(body bytes: UnsafeRawBufferPointer) -> Bool {
        defer { answer.byteCount += bytes.count }
        guard answer.isGood else {
            // What is behind the limit is dropped, and the connection stays.
            answer.body += bytes.prefix(max(0, Self.errorBytesMax - answer.body.count))
            return true
        }
        let end = answer.byteCount + bytes.count
        switch sink {
        case .memory(let max):
            guard end <= max else { return stop(.tooLong) }
            answer.body += bytes
        case .buffer(let target):
            guard end <= target.count else { return stop(.tooLong) }
            UnsafeMutableRawBufferPointer(rebasing: target[answer.byteCount...])
                .copyMemory(from: bytes)
        case .comparison(let pieces):
            guard isEqual(bytes, pieces, at: answer.byteCount) else { return stop(.different) }
        }
        return true
    }

    private func isEqual(
        _ bytes: UnsafeRawBufferPointer, _ pieces: [UnsafeRawBufferPointer], at start: Int
    ) -> Bool {
        var (skipped, done) = (start, 0)
        for piece in pieces where done < bytes.count {
            guard skipped < piece.count else {
                skipped -= piece.count
                continue
            }
            let count = min(piece.count - skipped, bytes.count - done)
            guard bytes[done..<done + count].elementsEqual(piece[skipped..<skipped + count]) else {
                return false
            }
            (skipped, done) = (0, done + count)
        }
        return done == bytes.count
    }

    // MARK: Limits

    /// Told at least once a second how far both directions are.
    /// - Returns: whether the exchange goes on.
    func progress(byteCount: Int64) -> Bool {
        if cancellation.isCancelled { return stop(.cancelled) }
        let now = steady()
        if byteCount - windowBytes >= Self.stallBytes {
            (windowStart, windowBytes) = (now, byteCount)
        }
        guard now - windowStart >= stallLimit else { return true }
        guard byteCount > windowBytes, slowWindows < Self.slowWindowsMax else {
            return stop(.stalled)
        }
        slowWindows += 1
        (windowStart, windowBytes) = (now, byteCount)
        return true
    }

    private func stop(_ reason: TransferFailure.Reason) -> Bool {
        failure = failure ?? reason
        return false
    }
}
