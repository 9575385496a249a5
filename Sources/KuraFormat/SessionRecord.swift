/// One run of an operation that writes to a vault, for as long as it runs.
///
/// Its file is locked by the process that runs it. A session file without a lock was left by a
/// process that died; the next writer finishes what it left and removes it.
public struct SessionRecord: Equatable, Sendable {
    public var id: UniqueID
    /// The operation's name: "backup".
    public var operation: String
    public var item: String
    public var process: UInt32
    public var host: String
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var started: Int64

    public init(
        id: UniqueID, operation: String, item: String, process: UInt32, host: String, started: Int64
    ) {
        self.id = id
        self.operation = operation
        self.item = item
        self.process = process
        self.host = host
        self.started = started
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.uniqueID(id)
        writer.text(operation)
        writer.text(item)
        writer.integer(process)
        writer.text(host)
        writer.integer(started)
        return SealedRecord.encode(.session, body: writer.bytes)
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> SessionRecord {
        try SealedRecord.decode(.session, from: bytes) { reader throws(FormatError) in
            SessionRecord(
                id: try reader.uniqueID(),
                operation: try reader.text("operation", max: Limits.nameBytesMax),
                item: try reader.text("item", max: Limits.nameBytesMax),
                process: try reader.uint32(),
                host: try reader.text("host", max: Limits.nameBytesMax),
                started: try reader.int64())
        }.value
    }
}
