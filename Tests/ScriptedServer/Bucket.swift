import CCrypto
import Glibc
import KuraCodec
import KuraFormat

/// What the server keeps, and what it answers.
struct Bucket {
    typealias Request = ScriptedServer.Request

    struct Object {
        var bytes: [UInt8]
        var tag: String
        var modified: Int
        var kept: [String: String]
    }

    struct Upload {
        var key: String
        var kept: [String: String]
        var parts: [Int: [UInt8]] = [:]
    }

    var name: String
    var pageCount: Int
    var objects: [String: Object] = [:]
    var uploads: [String: Upload] = [:]
    var conditions = ScriptedServer.Conditions.honoured
    var clockOffset = 0
    private var serial = 0

    private static let skewMax = 900

    init(name: String, pageCount: Int) {
        self.name = name
        self.pageCount = pageCount
    }

    private var now: Int { time(nil) + clockOffset }

    mutating func write(_ key: String, _ bytes: [UInt8], _ kept: [String: String]) {
        objects[key] = Object(
            bytes: bytes, tag: "\"\(Self.md5(bytes))\"", modified: now, kept: kept)
    }

    mutating func answer(_ request: Request) -> Response {
        var response: Response
        if let refusal = refusal(request) { response = refusal } else { response = done(request) }
        response.headers["Date"] = Response.date(now)
        return response
    }

    private mutating func done(_ request: Request) -> Response {
        switch (request.method, request.key.isEmpty) {
        case ("GET", true): request.query["uploads"] != nil ? listUploads(request) : list(request)
        case ("POST", true): deleteMany(request)
        case ("GET", false), ("HEAD", false):
            request.query["uploadId"] != nil ? listParts(request) : get(request)
        case ("PUT", false): put(request)
        case ("POST", false): request.query["uploads"] != nil ? begin(request) : complete(request)
        case ("DELETE", false): delete(request)
        default: .error(405, "MethodNotAllowed")
        }
    }

    // MARK: Checks

    private func refusal(_ request: Request) -> Response? {
        guard request.headers["authorization"]?.hasPrefix("AWS4-HMAC-SHA256 ") == true,
            let date = request.headers["x-amz-date"]
        else { return .error(403, "AccessDenied") }
        let digits = date.filter { $0 != "T" && $0 != "Z" }.map { Int32(String($0)) ?? 0 }
        guard digits.count == 14 else { return .error(403, "AccessDenied") }
        func number(_ range: Range<Int>) -> Int32 { digits[range].reduce(0) { $0 * 10 + $1 } }
        var parts = tm()
        parts.tm_year = number(0..<4) - 1900
        parts.tm_mon = number(4..<6) - 1
        parts.tm_mday = number(6..<8)
        parts.tm_hour = number(8..<10)
        parts.tm_min = number(10..<12)
        parts.tm_sec = number(12..<14)
        guard abs(timegm(&parts) - now) <= Self.skewMax else {
            return .error(403, "RequestTimeTooSkewed")
        }
        guard request.headers["x-bucket"] == name else { return .error(404, "NoSuchBucket") }
        let digest = ChunkHasher.digest(request.body)
        guard request.headers["x-amz-content-sha256"] == digest.hex else {
            return .error(400, "XAmzContentSHA256Mismatch")
        }
        if let checksum = request.headers["x-amz-checksum-sha256"], checksum != Self.base64(digest)
        {
            return .error(400, "BadDigest")
        }
        return nil
    }

    private func holds(_ request: Request) -> Response? {
        if case .ignored = conditions { return nil }
        let object = objects[request.key]
        if request.headers["if-none-match"] == "*", object != nil {
            return .error(412, "PreconditionFailed")
        }
        guard let wanted = request.headers["if-match"] else { return nil }
        guard let object else { return .error(404, "NoSuchKey") }
        var tag = object.tag
        if case .bareTags = conditions { tag = tag.filter { $0 != "\"" } }
        return wanted == tag ? nil : .error(412, "PreconditionFailed")
    }

    // MARK: Objects

    private func kept(_ request: Request) -> [String: String] {
        request.headers.filter {
            $0.key.hasPrefix("x-amz-meta-") || $0.key == "x-amz-checksum-sha256"
        }
    }

    private mutating func put(_ request: Request) -> Response {
        if let id = request.query["uploadId"] {
            guard uploads[id] != nil, let number = Int(request.query["partNumber"] ?? "") else {
                return .error(404, "NoSuchUpload")
            }
            uploads[id]?.parts[number] = request.body
            return Response(headers: ["ETag": "\"\(Self.md5(request.body))\""])
        }
        if let source = request.headers["x-amz-copy-source"] {
            let key = Request.decoded(source.dropFirst(name.utf8.count + 2))
            guard let object = objects[key] else { return .error(404, "NoSuchKey") }
            objects[request.key] = object
            return .xml("<CopyObjectResult><ETag>\(object.tag)</ETag></CopyObjectResult>")
        }
        if let refused = holds(request) { return refused }
        write(request.key, request.body, kept(request))
        return Response(headers: ["ETag": objects[request.key]!.tag])
    }

    private func get(_ request: Request) -> Response {
        guard let object = objects[request.key] else { return .error(404, "NoSuchKey") }
        var response = Response(headers: [
            "ETag": object.tag, "Last-Modified": Response.date(object.modified),
        ])
        let wantsChecksum = request.headers["x-amz-checksum-mode"] != nil
        for (name, value) in object.kept
        where wantsChecksum || name != "x-amz-checksum-sha256" { response.headers[name] = value }
        guard let range = request.headers["range"], request.method == "GET" else {
            response.body = object.bytes
            return response
        }
        let ends = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int($0) }
        guard ends.count == 2, ends[0] < object.bytes.count else {
            var refused = Response.error(416, "InvalidRange")
            refused.headers["Content-Range"] = "bytes */\(object.bytes.count)"
            return refused
        }
        let last = min(ends[1], object.bytes.count - 1)
        response.status = 206
        response.headers["Content-Range"] = "bytes \(ends[0])-\(last)/\(object.bytes.count)"
        response.body = Array(object.bytes[ends[0]...last])
        return response
    }

    private mutating func delete(_ request: Request) -> Response {
        if let id = request.query["uploadId"] {
            guard uploads.removeValue(forKey: id) != nil else { return .error(404, "NoSuchUpload") }
        } else {
            objects[request.key] = nil
        }
        return Response(status: 204)
    }

    private mutating func deleteMany(_ request: Request) -> Response {
        for key in Self.texts("Key", in: request.body) { objects[Self.unescaped(key)] = nil }
        return .xml(
            "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></DeleteResult>")
    }

    // MARK: Lists

    private func list(_ request: Request) -> Response {
        let prefix = request.query["prefix"] ?? ""
        let max = min(pageCount, Int(request.query["max-keys"] ?? "") ?? 1000)
        let after = request.query["continuation-token"]
        var (found, last, isTruncated) = ([String](), "", false)
        for key in objects.keys.sorted() where key.hasPrefix(prefix) {
            let end =
                request.query["delimiter"] == nil
                ? nil : key.dropFirst(prefix.count).firstIndex(of: "/")
            let name = end.map { String(key[...$0]) } ?? key
            if let after, name <= after { continue }
            if name == last { continue }
            guard found.count < max else {
                isTruncated = true
                break
            }
            last = name
            let text = Self.encoded(name)
            found.append(
                end == nil
                    ? "<Contents><Key>\(text)</Key><Size>1</Size></Contents>"
                    : "<CommonPrefixes><Prefix>\(text)</Prefix></CommonPrefixes>")
        }
        let next = isTruncated ? "<NextContinuationToken>\(last)</NextContinuationToken>" : ""
        return .xml(
            "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3\">"
                + "<EncodingType>url</EncodingType><IsTruncated>\(isTruncated)</IsTruncated>"
                + "\(next)\(found.joined())</ListBucketResult>"
        )
    }

    private func listUploads(_ request: Request) -> Response {
        let prefix = request.query["prefix"] ?? ""
        let found = uploads.filter { $0.value.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map
        {
            "<Upload><Key>\($0.value.key)</Key><UploadId>\($0.key)</UploadId></Upload>"
        }
        return .xml(
            "<ListMultipartUploadsResult>\(found.joined())</ListMultipartUploadsResult>")
    }

    private func listParts(_ request: Request) -> Response {
        guard let upload = uploads[request.query["uploadId"] ?? ""] else {
            return .error(404, "NoSuchUpload")
        }
        let after = Int(request.query["part-number-marker"] ?? "") ?? 0
        let rest = upload.parts.filter { $0.key > after }.sorted { $0.key < $1.key }
        let page = rest.prefix(pageCount)
        let parts = page.map {
            "<Part><PartNumber>\($0.key)</PartNumber><ETag>&quot;\(Self.md5($0.value))&quot;</ETag>"
                + "<Size>\($0.value.count)</Size></Part>"
        }
        return .xml(
            "<ListPartsResult><IsTruncated>\(page.count < rest.count)</IsTruncated>"
                + "<NextPartNumberMarker>\(page.last?.key ?? 0)</NextPartNumberMarker>"
                + parts.joined() + "</ListPartsResult>")
    }

    // MARK: Parts

    private mutating func begin(_ request: Request) -> Response {
        serial += 1
        uploads["upload-\(serial)"] = Upload(key: request.key, kept: kept(request))
        return .xml(
            "<InitiateMultipartUploadResult><UploadId>upload-\(serial)</UploadId>"
                + "</InitiateMultipartUploadResult>")
    }

    private mutating func complete(_ request: Request) -> Response {
        guard let id = request.query["uploadId"], let upload = uploads[id] else {
            return .error(404, "NoSuchUpload")
        }
        if let refused = holds(request) { return refused }
        var bytes: [UInt8] = []
        for number in Self.texts("PartNumber", in: request.body) {
            guard let part = upload.parts[Int(number) ?? 0] else {
                return .error(400, "InvalidPart")
            }
            bytes += part
        }
        uploads[id] = nil
        write(request.key, bytes, upload.kept)
        return .xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
    }

    // MARK: Texts

    private static func texts(_ name: String, in body: [UInt8]) -> [String] {
        String(decoding: body, as: UTF8.self).components(after: "<\(name)>", before: "</\(name)>")
    }

    private static func unescaped(_ text: String) -> String {
        text.replacing("&lt;", with: "<").replacing("&gt;", with: ">")
            .replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            byte < 0x7F && byte > 0x20 && !"%+&<>".utf8.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + hex([byte]).uppercased()
        }.joined()
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func md5(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 16)
        EVP_Digest(bytes, bytes.count, &digest, nil, EVP_md5(), nil)
        return hex(digest)
    }

    private static func base64(_ digest: Digest) -> String {
        var text = [UInt8](repeating: 0, count: 64)
        let count = EVP_EncodeBlock(&text, digest.bytes, 32)
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }
}

extension String {
    fileprivate func components(after start: String, before end: String) -> [String] {
        split(separator: start, omittingEmptySubsequences: false).dropFirst().compactMap { part in
            part.firstRange(of: end).map { String(part[..<$0.lowerBound]) }
        }
    }
}
