/// Packs that no recovery point needs any more, and the sessions that may still want them.
///
/// The packs go when none of these sessions is open and no sound run lists them. A backup that was
/// open meanwhile and needs one of them lists it again before it commits.
public struct Condemnation: Equatable, Sendable {
    /// Name of its file.
    public var id: UniqueID
    public var vault: UniqueID
    /// When it was written, in nanoseconds since 1970-01-01T00:00:00Z, for people.
    public var time: Int64
    /// At most `Limits.condemnedMax`.
    public var packs: [PackID]
    /// Sessions that were open, at most `Limits.condemnedMax`.
    public var sessions: [UniqueID]

    public init(
        id: UniqueID, vault: UniqueID, time: Int64, packs: [PackID], sessions: [UniqueID]
    ) {
        precondition(packs.count <= Limits.condemnedMax && sessions.count <= Limits.condemnedMax)
        self.id = id
        self.vault = vault
        self.time = time
        self.packs = packs
        self.sessions = sessions
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 128 + 32 * packs.count + 16 * sessions.count)
        writer.uniqueID(id)
        writer.uniqueID(vault)
        writer.integer(time)
        writer.list(packs) { $0.digest($1) }
        writer.list(sessions) { $0.uniqueID($1) }
        return SealedRecord.encode(.condemned, body: writer.bytes)
    }

    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> Condemnation {
        try SealedRecord.decode(.condemned, from: bytes) { reader throws(FormatError) in
            Condemnation(
                id: try reader.uniqueID(), vault: try reader.uniqueID(), time: try reader.int64(),
                packs: try reader.list("packs", max: Limits.condemnedMax) {
                    reader throws(FormatError) in try reader.digest()
                },
                sessions: try reader.list("sessions", max: Limits.condemnedMax) {
                    reader throws(FormatError) in try reader.uniqueID()
                })
        }.value
    }
}
