internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import SystemPackage

/// An object that is open for reading. Its first bytes are in memory.
final class S3Object: ObjectReader {
    private let client: S3Client
    private let key: String
    private let place: String
    private let first: ObjectPart

    init(_ client: S3Client, _ key: String, place: String, first: ObjectPart) {
        self.client = client
        self.key = key
        self.place = place
        self.first = first
    }

    func byteCount() -> UInt64 { first.byteCount }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        guard offset < first.byteCount else { return 0 }
        let count = min(target.count, Int(clamping: first.byteCount - offset))
        var known = 0
        if offset < UInt64(first.count) {
            let part = first.bytes[Int(offset)...].prefix(count)
            target.copyBytes(from: part)
            known = part.count
        }
        guard known < count else { return count }
        let rest = UnsafeMutableRawBufferPointer(rebasing: target[known..<count])
        let part = try client.read(
            key, at: offset + UInt64(known), count: rest.count, into: rest, place: place)
        guard let part else { throw IOError.notFound("read", place: place) }
        guard part.tag == first.tag, part.byteCount == first.byteCount else {
            throw IOError(
                "read", place: place, .staleNFSFileHandle,
                detail: "it was replaced while it was read", advice: "do it again")
        }
        return known + part.count
    }
}

extension ObjectPart {
    /// Whether the bytes have the digest that the store was given with them, as far as it tells.
    var isAsWritten: Bool {
        guard UInt64(count) == byteCount, let kept = headers["x-amz-checksum-sha256"],
            // Of objects in parts it is a digest of digests.
            !kept.contains("-"), headers["x-amz-checksum-type"] != "COMPOSITE"
        else { return true }
        return kept == Base64.text(ChunkHasher.digest(bytes).bytes)
    }
}
