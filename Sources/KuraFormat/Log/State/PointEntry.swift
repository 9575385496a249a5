/// What a page says of a recovery point that can still be followed: enough to list it. The record
/// that brought it has the rest.
public struct PointEntry: Equatable, Sendable {
    /// A point that is hidden.
    public struct Drop: Equatable, Sendable {
        /// Number of the record that dropped it.
        public var number: UInt64
        /// When, in nanoseconds since 1970-01-01T00:00:00Z.
        public var time: Int64
        public var reason: String

        public init(number: UInt64, time: Int64, reason: String) {
            self.number = number
            self.time = time
            self.reason = reason
        }
    }

    /// A hold that is on it.
    public struct Hold: Equatable, Sendable {
        public var name: String
        public var reason: String

        public init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    public var id: RecoveryPointID
    /// 1...`Limits.nameBytesMax` bytes.
    public var item: String
    public var sequence: UInt64
    /// The record that brought it, and which of its bodies it is.
    public var number: UInt64
    public var body: UInt16
    public var time: Int64
    public var consistency: Consistency
    public var logicalBytes: UInt64
    public var storedBytes: UInt64
    public var tags: [String]
    public var drop: Drop?
    /// Ascending by name as bytes, at most `Limits.logListMax`.
    public var holds: [Hold]

    /// - Parameters:
    ///   - point: a body of record `number`.
    ///   - body: its index in the record.
    public init(_ point: PointBody, number: UInt64, body: UInt16) {
        id = point.id
        item = point.point.item
        sequence = point.point.sequence
        self.number = number
        self.body = body
        time = point.point.time
        consistency = point.point.consistency
        logicalBytes = point.point.counts.logicalBytes
        storedBytes = point.point.storedBytes
        tags = point.point.tags
        drop = nil
        holds = []
    }

    /// Sorts by item, then by sequence.
    public var key: [UInt8] { Self.key(item: item, sequence: sequence, id: id) }

    public static func key(item: String, sequence: UInt64, id: RecoveryPointID) -> [UInt8] {
        var writer = ByteWriter(reserving: 300)
        writer.append(keyPrefix(item: item))
        writer.integer(sequence.byteSwapped)
        writer.digest(id)
        return writer.bytes
    }

    /// What the keys of all points of an item begin with.
    public static func keyPrefix(item: String) -> [UInt8] { Array(item.utf8) + [0] }

    public var entry: StatePage.Entry {
        var writer = ByteWriter(reserving: 128)
        writer.integer(number)
        writer.integer(body)
        writer.integer(time)
        writer.integer(consistency.rawValue)
        writer.integer(logicalBytes)
        writer.integer(storedBytes)
        writer.list(tags) { $0.text($1, max: Limits.nameBytesMax) }
        writer.flag(drop != nil)
        if let drop {
            writer.integer(drop.number)
            writer.integer(drop.time)
            writer.text(drop.reason)
        }
        writer.longList(holds) { writer, hold in
            writer.text(hold.name, max: Limits.nameBytesMax)
            writer.text(hold.reason)
        }
        return StatePage.Entry(key: key, value: writer.bytes)
    }

    public init(_ entry: StatePage.Entry) throws(FormatError) {
        let nameBytes = entry.key.count - 1 - 8 - Digest.byteCount
        let (item, sequence, id) = try entry.key.parsed(as: .statePage) {
            reader throws(FormatError) in
            guard 1...Limits.nameBytesMax ~= nameBytes,
                let item = String(validating: try reader.bytes(nameBytes), as: UTF8.self)
            else { throw reader.invalid("item") }
            try reader.zeros(1, "item")
            let sequence = try reader.uint64().byteSwapped
            guard 1...Limits.sequenceMax ~= sequence else { throw reader.invalid("sequence") }
            return (item, sequence, try reader.digest())
        }
        self = try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
            try PointEntry(id: id, item: item, sequence: sequence, reading: &reader)
        }
    }

    private init(
        id: RecoveryPointID, item: String, sequence: UInt64, reading reader: inout ByteReader
    ) throws(FormatError) {
        self.id = id
        self.item = item
        self.sequence = sequence
        number = try reader.recordNumber()
        body = try reader.uint16()
        time = try reader.int64()
        guard let consistency = Consistency(rawValue: try reader.uint8()) else {
            throw reader.invalid("consistency")
        }
        self.consistency = consistency
        logicalBytes = try reader.uint64()
        storedBytes = try reader.uint64()
        tags = try reader.list("tags", max: Limits.tagsMax) { reader throws(FormatError) in
            try reader.text("tag", max: Limits.nameBytesMax)
        }
        drop =
            try reader.flag("dropped")
            ? Drop(
                number: try reader.recordNumber(), time: try reader.int64(),
                reason: try reader.text("reason")) : nil
        holds = try reader.longList("holds", elementBytes: 5) { reader throws(FormatError) in
            Hold(name: try reader.name("hold"), reason: try reader.text("reason"))
        }
        let ascends = holds.ascends { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        guard ascends else { throw reader.invalid("holds") }
    }
}
