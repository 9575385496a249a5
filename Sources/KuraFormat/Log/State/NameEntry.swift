/// What a page says of the name of a recovery point: where its `PointEntry` is. Records that drop,
/// hold or forget a point name it by its id alone.
public struct NameEntry: Equatable, Sendable {
    public var id: RecoveryPointID
    /// 1...`Limits.nameBytesMax` bytes.
    public var item: String
    public var sequence: UInt64
    /// Its id in the vault that it was copied from.
    public var original: RecoveryPointID?

    public init(
        id: RecoveryPointID, item: String, sequence: UInt64, original: RecoveryPointID? = nil
    ) {
        self.id = id
        self.item = item
        self.sequence = sequence
        self.original = original
    }

    /// Key of its `PointEntry`.
    public var pointKey: [UInt8] {
        PointEntry.key(item: item, sequence: sequence, id: id)
    }

    public var entry: StatePage.Entry {
        var key = ByteWriter(reserving: Digest.byteCount)
        key.digest(id)
        var value = ByteWriter(reserving: 64)
        value.flag(original != nil)
        if let original { value.digest(original) }
        value.integer(sequence)
        value.text(item, max: Limits.nameBytesMax)
        return StatePage.Entry(key: key.bytes, value: value.bytes)
    }

    /// The entry under the id in the other vault, which points of several copies may share.
    public var originalEntry: StatePage.Entry? {
        guard let original else { return nil }
        var key = ByteWriter(reserving: 2 * Digest.byteCount)
        key.digest(original)
        key.digest(id)
        return StatePage.Entry(key: key.bytes, value: [])
    }

    /// Reads `entry`.
    public init(_ entry: StatePage.Entry) throws(FormatError) {
        let id = try entry.key.parsed(as: .statePage) { reader throws(FormatError) in
            try reader.digest()
        }
        self = try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
            let original = try reader.optionalDigest("original")
            let sequence = try reader.uint64()
            guard 1...Limits.sequenceMax ~= sequence else { throw reader.invalid("sequence") }
            return NameEntry(
                id: id, item: try reader.name("item"), sequence: sequence, original: original)
        }
    }

    /// Reads the key of `originalEntry`; nil for another entry.
    /// - Returns: the point that was copied.
    public static func copy(_ entry: StatePage.Entry) -> RecoveryPointID? {
        guard entry.key.count == 2 * Digest.byteCount else { return nil }
        return entry.key.withUnsafeBytes {
            Digest(loadingFrom: $0.baseAddress! + Digest.byteCount)
        }
    }
}
