/// The envelope of every small file: magic, version, length, body, and a seal over all of it.
///
///     0        8         10         12       16          16+n
///     | magic  | version | reserved | length | body ...  | seal: SHA-256 of all before |
///
/// The seal names a record that is named by content (a recovery point's id is its seal).
public enum SealedRecord {
    /// Bytes around the body.
    public static let overheadBytes = 16 + Digest.byteCount

    /// Largest whole record.
    public static let byteCountMax = Limits.recordBodyBytesMax + overheadBytes

    /// Eight ASCII bytes that start a record.
    public static func magic(_ structure: Structure) -> [UInt8] {
        switch structure {
        case .replica: Array("KURAREPL".utf8)
        case .vault: Array("KURAVALT".utf8)
        case .session: Array("KURASESS".utf8)
        case .recoveryPoint: Array("KURAPOIN".utf8)
        case .receipt: Array("KURARCPT".utf8)
        case .repair: Array("KURAREPA".utf8)
        case .dropped: Array("KURADROP".utf8)
        case .condemned: Array("KURACOND".utf8)
        case .journal: Array("KURAJRNL".utf8)
        case .vaultIdentity: Array("KURAVALT".utf8)
        case .wholeMark: Array("KURAWHOL".utf8)
        case .checkpoint: Array("KURACHKP".utf8)
        case .statePage: Array("KURAPAGE".utf8)
        case .checkpointHint: Array("KURAHINT".utf8)
        default: preconditionFailure("\(structure.rawValue) is no sealed record")
        }
    }

    /// Versions of a record that this code reads; it writes the last one.
    public static func versions(_ structure: Structure) -> ClosedRange<UInt16> {
        switch structure {
        case .vault: 1...3
        case .replica: 1...2
        // The same file of a vault whose truth is its log: too new for a reader of those.
        case .vaultIdentity: 4...4
        default: 1...1
        }
    }

    public static func encode(_ structure: Structure, body: [UInt8]) -> [UInt8] {
        precondition(body.count <= Limits.recordBodyBytesMax, "record body too long")
        var writer = ByteWriter(reserving: body.count + overheadBytes)
        writer.append(magic(structure))
        writer.integer(versions(structure).upperBound)
        writer.zeros(2)
        writer.integer(UInt32(body.count))
        writer.append(body)
        writer.digest(SHA256.digest(writer.bytes))
        return writer.bytes
    }

    /// Checks the envelope and hands its body to `parse`, which must use all of it.
    /// - Returns: what `parse` made, and the seal.
    public static func decode<T>(
        _ structure: Structure, from bytes: [UInt8],
        _ parse: (inout ByteReader) throws(FormatError) -> T
    ) throws(FormatError) -> (value: T, seal: Digest) {
        try decodeVersioned(structure, from: bytes) { reader, _ throws(FormatError) in
            try parse(&reader)
        }
    }

    /// Like `decode`, for a record that there are several versions of.
    /// - Parameter parse: gets the version, which is one of `versions`.
    public static func decodeVersioned<T>(
        _ structure: Structure, from bytes: [UInt8],
        _ parse: (inout ByteReader, UInt16) throws(FormatError) -> T
    ) throws(FormatError) -> (value: T, seal: Digest) {
        let result = bytes.withUnsafeBytes { raw -> Result<(T, Digest), FormatError> in
            do throws(FormatError) {
                return .success(try decode(structure, from: raw, parse))
            } catch {
                return .failure(error)
            }
        }
        let (value, seal) = try result.get()
        return (value, seal)
    }

    private static func decode<T>(
        _ structure: Structure, from raw: UnsafeRawBufferPointer,
        _ parse: (inout ByteReader, UInt16) throws(FormatError) -> T
    ) throws(FormatError) -> (T, Digest) {
        var reader = ByteReader(raw, of: structure)
        guard try reader.bytes(8).elementsEqual(magic(structure)) else {
            throw .badMagic(structure)
        }
        let found = try reader.uint16()
        guard versions(structure) ~= found else {
            // Every version ends with the seal over all before it. Where that is wrong, the record
            // is damaged, and it is unknown which version it had.
            guard isSealed(raw) else { throw .checksumMismatch(structure) }
            throw .unsupportedVersion(structure, version: found)
        }
        try reader.zeros(2, "reserved")
        let length = Int(try reader.uint32())
        guard length <= Limits.recordBodyBytesMax else {
            throw .invalidField(structure, field: "length")
        }
        let body = try reader.bytes(length)
        let sealed = UnsafeRawBufferPointer(rebasing: raw[..<(16 + length)])
        let seal = try reader.digest()
        try reader.finish()
        guard SHA256.digest(sealed) == seal else { throw .checksumMismatch(structure) }
        var bodyReader = ByteReader(body, of: structure)
        let value = try parse(&bodyReader, found)
        try bodyReader.finish()
        return (value, seal)
    }

    /// Whether the last bytes of a record of any version are the SHA-256 of those before them.
    private static func isSealed(_ raw: UnsafeRawBufferPointer) -> Bool {
        let end = raw.count - Digest.byteCount
        guard end >= 0, let start = raw.baseAddress else { return false }
        let sealed = UnsafeRawBufferPointer(rebasing: raw[..<end])
        return SHA256.digest(sealed) == Digest(loadingFrom: start + end)
    }
}
