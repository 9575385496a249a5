/// A place in a chain of records.
public struct LogPosition: Hashable, Sendable {
    /// 1...`Limits.sequenceMax`.
    public var number: UInt64
    /// Of the record with that number.
    public var digest: Digest

    public init(number: UInt64, digest: Digest) {
        self.number = number
        self.digest = digest
    }
}

extension ByteReader {
    mutating func position(_ field: String) throws(FormatError) -> LogPosition {
        LogPosition(number: try recordNumber(field), digest: try digest())
    }
}

extension ByteWriter {
    mutating func position(_ position: LogPosition) {
        integer(position.number)
        digest(position.digest)
    }
}
