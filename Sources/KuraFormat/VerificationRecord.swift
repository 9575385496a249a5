/// When each pack of one replica was last read in full and found good.
///
/// It only orders work: without it every pack counts as never verified.
public struct VerificationRecord: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var pack: PackID
        /// Nanoseconds since 1970-01-01T00:00:00Z.
        public var time: Int64

        public init(pack: PackID, time: Int64) {
            self.pack = pack
            self.time = time
        }
    }

    static let magic = Array("KURAVERI".utf8)
    public static let version: UInt16 = 1
    private static let headerByteCount = 40
    private static let entryByteCount = Digest.byteCount + 8

    /// Longest file, in bytes.
    public static let byteCountMax =
        headerByteCount + Limits.verifiedPacksMax * entryByteCount + Digest.byteCount

    public var vault: UniqueID
    /// 0, 1 or 2: a copy of another replica's file must not vouch for this one.
    public var replica: UInt8
    /// Ascending by pack, none twice; at most `Limits.verifiedPacksMax`.
    public var entries: [Entry]

    public init(vault: UniqueID, replica: UInt8, entries: [Entry]) {
        self.vault = vault
        self.replica = replica
        self.entries = entries
    }

    public func encoded() -> [UInt8] {
        precondition(entries.count <= Limits.verifiedPacksMax, "too many verified packs")
        var writer = ByteWriter(
            reserving: Self.headerByteCount + entries.count * Self.entryByteCount
                + Digest.byteCount)
        writer.append(Self.magic)
        writer.integer(Self.version)
        writer.integer(replica)
        writer.zeros(5)
        writer.uniqueID(vault)
        writer.integer(UInt64(entries.count))
        for entry in entries {
            writer.digest(entry.pack)
            writer.integer(entry.time)
        }
        writer.digest(SHA256.digest(writer.bytes))
        return writer.bytes
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> VerificationRecord {
        let result = bytes.withUnsafeBytes { raw -> Result<VerificationRecord, FormatError> in
            do throws(FormatError) {
                return .success(try VerificationRecord(decoding: raw))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(decoding raw: UnsafeRawBufferPointer) throws(FormatError) {
        var reader = ByteReader(raw, of: .verification)
        guard try reader.bytes(8).elementsEqual(Self.magic) else { throw .badMagic(.verification) }
        let version = try reader.uint16()
        guard version == Self.version else {
            throw .unsupportedVersion(.verification, version: version)
        }
        replica = try reader.uint8()
        guard replica < Limits.replicasMax else {
            throw .invalidField(.verification, field: "replica")
        }
        try reader.zeros(5, "reserved")
        vault = try reader.uniqueID()
        let count = try reader.uint64()
        guard count <= UInt64(Limits.verifiedPacksMax) else {
            throw .invalidField(.verification, field: "entry count")
        }
        let sealed = Self.headerByteCount + Int(count) * Self.entryByteCount
        guard raw.count == sealed + Digest.byteCount else {
            throw .truncated(
                .verification, needed: UInt64(sealed + Digest.byteCount),
                available: UInt64(raw.count))
        }
        entries = []
        entries.reserveCapacity(Int(count))
        for _ in 0..<Int(count) {
            let entry = Entry(pack: try reader.digest(), time: try reader.int64())
            guard entries.last.map({ $0.pack < entry.pack }) ?? true else {
                throw .invalidField(.verification, field: "order")
            }
            entries.append(entry)
        }
        let seal = try reader.digest()
        try reader.finish()
        guard SHA256.digest(UnsafeRawBufferPointer(rebasing: raw[..<sealed])) == seal else {
            throw .checksumMismatch(.verification)
        }
    }
}
