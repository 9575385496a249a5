/// The records of one fixed range of numbers in one file: what is packed in the place of as many
/// files of `log/`.
///
///     magic 8 | version 2 | reserved 2 | count 2 | reserved 2 | first number 8 |
///     count x length 4 | records ... | SHA-256 of all before
///
/// The lengths stand in front, so that one record of a large segment can be read by itself: the
/// records prove themselves. Two replicas may have segments that differ in decisions alone.
public struct Segment: Equatable, Sendable {
    /// `Limits.segmentRecordsMax` of them, with ascending numbers, each naming the one before.
    public let records: [DecidedRecord]

    /// 1, 1025, 2049 ...
    public var first: UInt64 { records[0].number }

    /// Number of the first record of the segment that record `number` is in.
    public static func first(of number: UInt64) -> UInt64 {
        (max(number, 1) - 1) / UInt64(Limits.segmentRecordsMax) * UInt64(Limits.segmentRecordsMax)
            + 1
    }

    /// Throws `invalidField` unless these are all records of one range, in order.
    public init(_ records: [DecidedRecord]) throws(FormatError) {
        guard records.count == Limits.segmentRecordsMax, let first = records.first,
            first.number == Self.first(of: first.number)
        else { throw .invalidField(.segment, field: "first number") }
        for (record, next) in zip(records, records.dropFirst()) {
            guard next.number == record.number + 1, next.record.vault == record.record.vault,
                next.record.record.previous == record.record.digest
            else { throw .invalidField(.segment, field: "records") }
        }
        self.records = records
    }

    static let magic = "KURASEGM"

    public func encoded() -> [UInt8] {
        let encoded = records.map { $0.encoded() }
        let length = encoded.reduce(0) { $0 + $1.count }
        var writer = ByteWriter(reserving: Table.byteCount + length + Digest.byteCount)
        writer.logHeader(Self.magic)
        writer.integer(UInt16(Limits.segmentRecordsMax))
        writer.zeros(2)
        writer.integer(first)
        for record in encoded { writer.integer(UInt32(record.count)) }
        for record in encoded { writer.append(record) }
        writer.digest(SHA256.digest(writer.bytes))
        return writer.bytes
    }

    /// Checks structure, the seal and that the records are a chain; not signatures.
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> Segment {
        try bytes.parsed(as: .segment) { reader throws(FormatError) in
            let table = try Table(reading: &reader)
            // The seal first: damage is then called damage, whatever it makes of the records.
            let all = try reader.bytes(table.recordsByteCount)
            let sealed = reader.bytes(since: 0)
            guard try reader.digest() == SHA256.digest(sealed) else {
                throw .checksumMismatch(.segment)
            }
            var records = ByteReader(all, of: .segment)
            var decoded: [DecidedRecord] = []
            for length in table.lengths {
                var reader = ByteReader(try records.bytes(length), of: .logRecord)
                decoded.append(try DecidedRecord(reading: &reader))
                try reader.finish()
            }
            guard decoded.first?.number == table.first else {
                throw records.invalid("first number")
            }
            return try Segment(decoded)
        }
    }

    /// The start of a segment: where its records stand.
    public struct Table: Equatable, Sendable {
        /// Bytes of a segment in front of its first record.
        public static let byteCount = 24 + 4 * Limits.segmentRecordsMax

        public let first: UInt64
        /// Bytes of each record, in order.
        public let lengths: [Int]

        var recordsByteCount: Int { lengths.reduce(0, +) }

        /// Length of the whole segment.
        public var fileByteCount: Int { Self.byteCount + recordsByteCount + Digest.byteCount }

        /// Offset in the file of record `number`, and its length; nil for one of another segment.
        public func range(of number: UInt64) -> Range<Int>? {
            guard number >= first, number - first < UInt64(lengths.count) else { return nil }
            let index = Int(number - first)
            let start = Self.byteCount + lengths[..<index].reduce(0, +)
            return start..<(start + lengths[index])
        }

        /// - Parameter bytes: the first `byteCount` bytes of a segment.
        public static func decode(_ bytes: [UInt8]) throws(FormatError) -> Table {
            try bytes.parsed(as: .segment) { reader throws(FormatError) in
                try Table(reading: &reader)
            }
        }

        init(reading reader: inout ByteReader) throws(FormatError) {
            try reader.logHeader(Segment.magic)
            guard Int(try reader.uint16()) == Limits.segmentRecordsMax else {
                throw reader.invalid("count")
            }
            try reader.zeros(2, "reserved")
            first = try reader.recordNumber("first number")
            guard first == Segment.first(of: first),
                first <= Limits.sequenceMax - UInt64(Limits.segmentRecordsMax)
            else { throw reader.invalid("first number") }
            var lengths: [Int] = []
            lengths.reserveCapacity(Limits.segmentRecordsMax)
            for _ in 0..<Limits.segmentRecordsMax {
                let length = Int(try reader.uint32())
                guard 1...DecidedRecord.byteCountMax ~= length else {
                    throw reader.invalid("length")
                }
                lengths.append(length)
            }
            self.lengths = lengths
        }
    }
}
