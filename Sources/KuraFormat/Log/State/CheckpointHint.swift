/// Where a recent checkpoint is. It is replaced, and nothing depends on it: it may be old, missing
/// or wrong.
public struct CheckpointHint: Equatable, Sendable {
    public var vault: UniqueID
    /// Number of the record that the checkpoint is of, and the name of its root.
    public var checkpoint: CheckpointBody

    public init(vault: UniqueID, checkpoint: CheckpointBody) {
        self.vault = vault
        self.checkpoint = checkpoint
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 64)
        writer.uniqueID(vault)
        writer.integer(checkpoint.number)
        writer.digest(checkpoint.root)
        return SealedRecord.encode(.checkpointHint, body: writer.bytes)
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> CheckpointHint {
        try SealedRecord.decode(.checkpointHint, from: bytes) { reader throws(FormatError) in
            CheckpointHint(
                vault: try reader.uniqueID(),
                checkpoint: CheckpointBody(
                    number: try reader.recordNumber(), root: try reader.digest()))
        }.value
    }
}
