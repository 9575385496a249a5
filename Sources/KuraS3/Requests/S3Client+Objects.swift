internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// What a write depends on.
enum WriteCondition {
    case none
    /// No object has the name.
    case absent
    /// The object has a tag, which is sent as it is.
    case tag(String)

    var headers: [(name: String, value: String)] {
        switch self {
        case .none: []
        case .absent: [("if-none-match", "*")]
        case .tag(let tag): [("if-match", tag)]
        }
    }
}

/// A part of an object that came, and what the server says of the whole.
struct ObjectPart {
    /// Bytes that were read.
    var count: Int
    /// Length of the whole object.
    var byteCount: UInt64
    var tag: String?
    var headers: [String: String]
    /// What went to memory.
    var bytes: [UInt8]
}

extension S3Client {
    /// Writer and try of a put: a name that is found again tells whose put it was.
    static let writerHeader = "x-amz-meta-kura-put"

    /// Writes an object in one request.
    /// - Parameter writer: kept beside the object.
    /// - Returns: also where the condition did not hold.
    func put(
        _ key: String, _ pieces: [UnsafeRawBufferPointer], condition: WriteCondition,
        writer: String, place: String
    ) throws(IOError) -> (request: S3Request, reply: S3Reply) {
        var request = S3Request(
            operation: "write", kind: .put, method: "PUT", key: key, place: place)
        request.body = pieces
        request.digest = ChunkHasher.digest(pieces: pieces)
        request.headers = condition.headers + [request.checksum, (Self.writerHeader, writer)]
        request.isChange = true
        return (request, try send(request))
    }

    /// Asks for what is known of an object.
    /// - Returns: nil where the server says that there is none.
    func head(_ key: String, place: String) throws(IOError) -> S3Reply? {
        var request = S3Request(
            operation: "look at", kind: .head, method: "HEAD", key: key, place: place)
        request.headers = [("x-amz-checksum-mode", "ENABLED")]
        let reply = try send(request, into: .memory(max: 0))
        if reply.error == nil { return reply }
        guard reply.error?.status == 404 else { throw failure(request, reply) }
        // The answer has no body to say what is missing: the object, the bucket, or a server of S3.
        var asked = request
        (asked.method, asked.kind) = ("GET", .get)
        asked.headers = [("range", "bytes=0-0")]
        let second = try send(asked, into: .memory(max: 1))
        if second.error?.isNoSuchObject == true { return nil }
        if second.error == nil || second.error?.status == 416 {
            // It has come in the meantime.
            return try succeed(request, into: .memory(max: 0))
        }
        throw failure(asked, second)
    }

    /// Reads a part of an object.
    /// - Parameters:
    ///   - offset: at or behind the end, nothing is read.
    ///   - target: memory to fill; nil for memory of `count` bytes in the answer.
    /// - Returns: nil where the server says that there is no such object.
    func read(
        _ key: String, at offset: UInt64, count: Int,
        into target: UnsafeMutableRawBufferPointer?, place: String
    ) throws(IOError) -> ObjectPart? {
        var request = S3Request(
            operation: "read", kind: .get, method: "GET", key: key, place: place)
        request.headers = [
            ("range", "bytes=\(offset)-\(offset + UInt64(count) - 1)"),
            ("x-amz-checksum-mode", "ENABLED"),
        ]
        let reply = try send(request, into: target.map { .buffer($0) } ?? .memory(max: count))
        if let error = reply.error {
            if error.isNoSuchObject { return nil }
            guard error.status == 416 else { throw failure(request, reply) }
            let total = reply.answer.headers["content-range"].flatMap {
                $0.split(separator: "/").last
            }
            return ObjectPart(
                count: 0, byteCount: total.flatMap { UInt64($0) } ?? 0, tag: reply.tag,
                headers: reply.answer.headers, bytes: [])
        }
        let answer = reply.answer
        guard let total = Self.total(of: answer, from: offset),
            answer.byteCount == min(count, Int(clamping: total - min(total, offset)))
        else { throw failure(request, reply) }
        return ObjectPart(
            count: answer.byteCount, byteCount: total, tag: reply.tag, headers: answer.headers,
            bytes: answer.body)
    }

    /// Length of the object that an answer is a part of; nil where it is another part than the one
    /// that was asked for.
    private static func total(of answer: HTTPAnswer, from offset: UInt64) -> UInt64? {
        guard answer.status == 206 else {
            // The whole object, where that was asked for.
            return offset == 0 ? UInt64(answer.byteCount) : nil
        }
        let words = (answer.headers["content-range"] ?? "").split(separator: " ")
        guard words.count == 2, words[0] == "bytes" else { return nil }
        let range = words[1].split(separator: "/")
        let ends = range[0].split(separator: "-").map { UInt64($0) }
        guard range.count == 2, ends.count == 2, let first = ends[0], let last = ends[1],
            let total = UInt64(range[1]), first == offset, last >= first, last < total,
            last - first + 1 == UInt64(answer.byteCount)
        else { return nil }
        return total
    }

    /// Whether an object has these bytes, which are read and compared.
    /// - Parameter offset: where in the object they are; nil where they are all of it.
    /// - Returns: nil where the server says that there is no such object.
    func isEqual(
        _ key: String, to pieces: [UnsafeRawBufferPointer], from offset: UInt64? = nil,
        place: String
    ) throws(IOError) -> Bool? {
        var request = S3Request(
            operation: "compare", kind: .get, method: "GET", key: key, place: place)
        if let offset {
            let count = pieces.reduce(0) { $0 + UInt64($1.count) }
            request.headers = [("range", "bytes=\(offset)-\(offset + count - 1)")]
        }
        let reply: S3Reply
        do throws(IOError) {
            reply = try send(request, into: .comparison(pieces))
        } catch {
            if error.isOtherBytes { return false }
            throw error
        }
        if let error = reply.error {
            if error.isNoSuchObject { return nil }
            throw failure(request, reply)
        }
        return reply.answer.byteCount == pieces.reduce(0) { $0 + $1.count }
    }

    /// Copies an object inside of the bucket.
    /// - Returns: false where there is no such object.
    func copy(_ key: String, to other: String, place: String) throws(IOError) -> Bool {
        var request = S3Request(
            operation: "copy", kind: .copy, method: "PUT", key: other, place: place)
        let source = PercentCoding.encoded("\(address.bucket)/\(key)", keepsSlashes: true)
        request.headers = [("x-amz-copy-source", "/\(source)")]
        request.isChange = true
        request.root = "CopyObjectResult"
        let reply = try send(request)
        if reply.error?.isNoSuchObject == true { return false }
        guard reply.error == nil else { throw failure(request, reply) }
        return true
    }

    /// Deletes an object; a missing one is no error.
    func delete(_ key: String, place: String) throws(IOError) {
        var request = S3Request(
            operation: "delete", kind: .delete, method: "DELETE", key: key, place: place)
        request.isChange = true
        let reply = try send(request)
        if let error = reply.error, !error.isNoSuchObject { throw failure(request, reply) }
    }

    /// Deletes up to 1000 objects in one request, in an order that the server chooses.
    func delete(_ keys: [String], place: (String) -> String) throws(IOError) {
        guard keys.count > 1 else {
            if let key = keys.first { try delete(key, place: place(key)) }
            return
        }
        let names = keys.map { "<Object><Key>\(Self.escaped($0))</Key></Object>" }.joined()
        let body = Array("<Delete><Quiet>true</Quiet>\(names)</Delete>".utf8)
        var request = S3Request(
            operation: "delete", kind: .post, method: "POST", place: place(keys[0]))
        request.query = [("delete", "")]
        request.isChange = true
        request.root = "DeleteResult"
        let reply = try post(request, body)
        // The answer is good also where single objects could not be deleted.
        for failed in reply.document?.all("Error") ?? [] {
            let key = failed.text("Key")
            let error = serverError(status: 200, failed)
            if error.code == "NoSuchKey" { continue }
            throw error.error(
                "delete", place(keys.contains(key) ? key : keys[0]), isOutcomeUnknown: false)
        }
    }

    /// Makes a request with a body of XML that must succeed.
    func post(_ request: S3Request, _ body: [UInt8]) throws(IOError) -> S3Reply {
        let reply = try send(request, body)
        guard reply.error == nil else { throw failure(request, reply) }
        return reply
    }

    /// Makes a request with a body of XML.
    func send(_ request: S3Request, _ body: [UInt8]) throws(IOError) -> S3Reply {
        let result = body.withUnsafeBytes { raw -> Result<S3Reply, IOError> in
            var request = request
            request.body = [raw]
            request.digest = ChunkHasher.digest(raw)
            request.headers += [
                ("content-type", "application/xml"), ("content-md5", MD5.text(raw)),
                request.checksum,
            ]
            do throws(IOError) {
                return .success(try send(request))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}

extension IOError {
    /// Whether a comparison met other bytes, or more of them.
    fileprivate var isOtherBytes: Bool { detail == TransferFailure.otherBytes }
}
