internal import KuraCodec
internal import KuraFormat
internal import KuraIO

/// An object that is sent in parts, as the server knows it.
struct PartedUpload: Sendable {
    var key: String
    var id: String
    var place: String
}

/// A part that the server has.
struct SentPart: Equatable, Sendable {
    var number: Int
    /// With its quotes, as it came.
    var tag: String
    /// Of its bytes, as base64.
    var checksum: String
}

extension S3Client {
    /// Begins an object in parts.
    func begin(_ key: String, writer: String, place: String) throws(IOError) -> PartedUpload {
        var request = S3Request(
            operation: "write", kind: .post, method: "POST", key: key, place: place)
        request.query = [("uploads", "")]
        request.headers = [
            ("x-amz-checksum-algorithm", "SHA256"), (Self.writerHeader, writer),
        ]
        request.root = "InitiateMultipartUploadResult"
        let reply = try succeed(request)
        guard let id = reply.document?.text("UploadId"), !id.isEmpty else {
            throw failure(request, reply)
        }
        return PartedUpload(key: key, id: id, place: place)
    }

    /// Sends a part.
    /// - Returns: nil where the server does not know the upload any more.
    func send(
        part number: Int, _ pieces: [UnsafeRawBufferPointer], of upload: PartedUpload
    ) throws(IOError) -> SentPart? {
        var request = S3Request(
            operation: "write", kind: .put, method: "PUT", key: upload.key, place: upload.place)
        request.query = [("partNumber", "\(number)"), ("uploadId", upload.id)]
        request.body = pieces
        request.digest = ChunkHasher.digest(pieces: pieces)
        request.headers = [request.checksum]
        let reply = try send(request)
        if reply.error?.isNoSuchUpload == true { return nil }
        guard reply.error == nil, let tag = reply.tag else { throw failure(request, reply) }
        return SentPart(number: number, tag: tag, checksum: request.checksum.value)
    }

    /// Makes an object of its parts.
    /// - Returns: also where the condition did not hold, or the upload is not known.
    func complete(
        _ upload: PartedUpload, _ parts: [SentPart], condition: WriteCondition
    ) throws(IOError) -> (request: S3Request, reply: S3Reply) {
        var request = S3Request(
            operation: "write", kind: .post, method: "POST", key: upload.key, place: upload.place)
        request.query = [("uploadId", upload.id)]
        request.headers = condition.headers
        request.isChange = true
        request.root = "CompleteMultipartUploadResult"
        let list = parts.map { part in
            "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(Self.escaped(part.tag))</ETag>"
                + "<ChecksumSHA256>\(part.checksum)</ChecksumSHA256></Part>"
        }
        let body = "<CompleteMultipartUpload>\(list.joined())</CompleteMultipartUpload>"
        return (request, try send(request, Array(body.utf8)))
    }

    /// Drops an object in parts. One that is not known is no error.
    func abort(_ upload: PartedUpload) throws(IOError) {
        var request = S3Request(
            operation: "abandon", kind: .delete, method: "DELETE", key: upload.key,
            place: upload.place)
        request.query = [("uploadId", upload.id)]
        let reply = try send(request)
        if let error = reply.error, !error.isNoSuchUpload, !error.isNoSuchObject {
            throw failure(request, reply)
        }
    }

    /// Uploads of one key that were begun and not ended.
    func uploads(of key: String, place: String) throws(IOError) -> [PartedUpload] {
        var request = S3Request(
            operation: "list uploads of", kind: .list, method: "GET", place: place)
        request.query = [("uploads", ""), ("prefix", key), ("encoding-type", "url")]
        request.root = "ListMultipartUploadsResult"
        let reply = try succeed(request)
        let isEncoded = reply.document?.text("EncodingType") == "url"
        return (reply.document?.all("Upload") ?? []).compactMap { upload in
            let text = upload.text("Key")
            let found = isEncoded ? PercentCoding.decoded(text, plusIsSpace: true) : text
            guard found == key, !upload.text("UploadId").isEmpty else { return nil }
            return PartedUpload(key: key, id: upload.text("UploadId"), place: place)
        }
    }

    /// The parts of an upload that the server has: their tags and lengths by their numbers.
    /// - Returns: nil where the server does not know the upload any more.
    func parts(of upload: PartedUpload) throws(IOError) -> [Int: (tag: String, byteCount: Int)]? {
        var parts: [Int: (tag: String, byteCount: Int)] = [:]
        var after = 0
        while true {
            var request = S3Request(
                operation: "list parts of", kind: .list, method: "GET", key: upload.key,
                place: upload.place)
            request.query = [
                ("uploadId", upload.id), ("part-number-marker", "\(after)"), ("max-parts", "1000"),
            ]
            request.root = "ListPartsResult"
            let reply = try send(request)
            if reply.error?.isNoSuchUpload == true { return nil }
            guard reply.error == nil, let document = reply.document else {
                throw failure(request, reply)
            }
            for part in document.all("Part") {
                guard let number = Int(part.text("PartNumber")), let size = Int(part.text("Size"))
                else { continue }
                parts[number] = (part.text("ETag"), size)
            }
            guard document.text("IsTruncated") == "true",
                let next = Int(document.text("NextPartNumberMarker")), next > after
            else { return parts }
            after = next
        }
    }
}
