/// One change that a record makes. What it does to a vault is in FORMAT.md.
public enum LogBody: Equatable, Sendable {
    case vault(VaultBody)
    case members(MembersBody)
    case point(PointBody)
    case runs(RunsBody)
    case drop(DropBody)
    case undrop(UndropBody)
    case forget(ForgetBody)
    case hold(HoldBody)
    case release(ReleaseBody)
    case condemn(CondemnBody)
    case spare(SpareBody)
    case sweep(SweepBody)
    case deleted(DeletedBody)
    case setting(SettingBody)
    case lost(LostBody)
    case key(KeyBody)
    case failover(FailoverBody)
    case adoption(AdoptionBody)
    case checkpoint(CheckpointBody)
    case rekey(RekeyBody)
    case accept(AcceptBody)
    /// Of a type that this code does not know: kept as it is.
    case unknown(UnknownBody)

    /// Numbers of the types that this code knows.
    enum Kind: UInt16, CaseIterable {
        case vault = 1
        case members, point, runs, drop, undrop, forget, hold, release, condemn, spare, sweep
        case deleted, setting, lost, key, failover, adoption, checkpoint, rekey, accept
    }

    /// Whether a reader must not show or restore anything because of this body, which it does not
    /// know. Whatever it says here, a writer writes nothing after a body that it does not know.
    public var mustBeUnderstood: Bool {
        if case .unknown(let body) = self { body.mustUnderstand } else { false }
    }
}

/// What the structure of each type can do.
protocol LogBodyFields {
    /// Appends the bytes of the public part to `open`, those of the private one to `hidden`.
    func write(open: inout ByteWriter, hidden: inout ByteWriter)
}

extension LogBody {
    /// The number of the type, its flags, and what writes the fields.
    private var parts: (type: UInt16, flags: UInt16, fields: any LogBodyFields) {
        func known(_ kind: Kind, _ fields: any LogBodyFields) -> (UInt16, UInt16, any LogBodyFields)
        {
            (kind.rawValue, 0, fields)
        }
        return switch self {
        case .vault(let body): known(.vault, body)
        case .members(let body): known(.members, body)
        case .point(let body): known(.point, body)
        case .runs(let body): known(.runs, body)
        case .drop(let body): known(.drop, body)
        case .undrop(let body): known(.undrop, body)
        case .forget(let body): known(.forget, body)
        case .hold(let body): known(.hold, body)
        case .release(let body): known(.release, body)
        case .condemn(let body): known(.condemn, body)
        case .spare(let body): known(.spare, body)
        case .sweep(let body): known(.sweep, body)
        case .deleted(let body): known(.deleted, body)
        case .setting(let body): known(.setting, body)
        case .lost(let body): known(.lost, body)
        case .key(let body): known(.key, body)
        case .failover(let body): known(.failover, body)
        case .adoption(let body): known(.adoption, body)
        case .checkpoint(let body): known(.checkpoint, body)
        case .rekey(let body): known(.rekey, body)
        case .accept(let body): known(.accept, body)
        case .unknown(let body):
            (body.type, body.mustUnderstand ? UnknownBody.mustUnderstandFlag : 0, body)
        }
    }

    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        let (type, flags, fields) = parts
        var openPart = ByteWriter()
        var hiddenPart = ByteWriter()
        fields.write(open: &openPart, hidden: &hiddenPart)
        open.integer(type)
        open.integer(flags)
        open.block(openPart.bytes)
        hidden.block(hiddenPart.bytes)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        let type = try open.uint16()
        let flags = try open.uint16()
        let openPart = try open.block("public part of a body", max: Limits.logRecordBytesMax)
        let hiddenPart = try hidden.block("private part of a body", max: Limits.logRecordBytesMax)
        guard let kind = Kind(rawValue: type) else {
            self = .unknown(
                try UnknownBody(
                    type: type, flags: flags, open: openPart, hidden: hiddenPart))
            return
        }
        // Every reader knows these types, so a flag would be a second way to say the same.
        guard flags == 0 else { throw open.invalid("flags of a body") }
        var openReader = ByteReader(openPart, of: .logRecord)
        var hiddenReader = ByteReader(hiddenPart, of: .logRecord)
        self = try Self.known(kind, open: &openReader, hidden: &hiddenReader)
        try openReader.finish()
        try hiddenReader.finish()
    }

    private static func known(
        _ kind: Kind, open: inout ByteReader, hidden: inout ByteReader
    ) throws(FormatError) -> LogBody {
        switch kind {
        case .vault: .vault(try VaultBody(open: &open, hidden: &hidden))
        case .members: .members(try MembersBody(open: &open, hidden: &hidden))
        case .point: .point(try PointBody(open: &open, hidden: &hidden))
        case .runs: .runs(try RunsBody(open: &open, hidden: &hidden))
        case .drop: .drop(try DropBody(open: &open, hidden: &hidden))
        case .undrop: .undrop(try UndropBody(open: &open, hidden: &hidden))
        case .forget: .forget(try ForgetBody(open: &open, hidden: &hidden))
        case .hold: .hold(try HoldBody(open: &open, hidden: &hidden))
        case .release: .release(try ReleaseBody(open: &open, hidden: &hidden))
        case .condemn: .condemn(try CondemnBody(open: &open, hidden: &hidden))
        case .spare: .spare(try SpareBody(open: &open, hidden: &hidden))
        case .sweep: .sweep(try SweepBody(open: &open, hidden: &hidden))
        case .deleted: .deleted(try DeletedBody(open: &open, hidden: &hidden))
        case .setting: .setting(try SettingBody(open: &open, hidden: &hidden))
        case .lost: .lost(try LostBody(open: &open, hidden: &hidden))
        case .key: .key(try KeyBody(open: &open, hidden: &hidden))
        case .failover: .failover(try FailoverBody(open: &open, hidden: &hidden))
        case .adoption: .adoption(try AdoptionBody(open: &open, hidden: &hidden))
        case .checkpoint: .checkpoint(try CheckpointBody(open: &open, hidden: &hidden))
        case .rekey: .rekey(try RekeyBody(open: &open, hidden: &hidden))
        case .accept: .accept(try AcceptBody(open: &open, hidden: &hidden))
        }
    }
}
