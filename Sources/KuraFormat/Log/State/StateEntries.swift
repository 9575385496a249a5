/// What a page says of an index run of the state.
public struct RunEntry: Equatable, Sendable {
    public var run: RunsBody.Run
    /// The record that added it.
    public var number: UInt64

    public init(run: RunsBody.Run, number: UInt64) {
        self.run = run
        self.number = number
    }

    public var entry: StatePage.Entry {
        var value = ByteWriter(reserving: 28)
        value.integer(number)
        value.integer(run.byteCount)
        value.integer(run.entries)
        value.integer(run.packs)
        return StatePage.Entry(key: run.id.bytes, value: value.bytes)
    }

    public init(_ entry: StatePage.Entry) throws(FormatError) {
        let id = try entry.key.parsedDigest()
        self = try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
            let number = try reader.recordNumber()
            let run = RunsBody.Run(
                id: id, byteCount: try reader.uint64(), entries: try reader.uint64(),
                packs: try reader.uint32())
            guard run.packs <= Limits.runPacksMax else { throw reader.invalid("packs") }
            return RunEntry(run: run, number: number)
        }
    }
}

/// What a page says of a setting that is there.
public struct SettingEntry: Equatable, Sendable {
    /// 1...`Limits.journalSubjectBytesMax` bytes.
    public var subject: String
    /// Canonical JSON. At most `Limits.journalTextBytesMax` bytes, and not empty.
    public var value: String
    /// The record that said so last.
    public var number: UInt64

    public init(subject: String, value: String, number: UInt64) {
        self.subject = subject
        self.value = value
        self.number = number
    }

    public var entry: StatePage.Entry {
        var writer = ByteWriter()
        writer.integer(number)
        writer.text(value, max: Limits.journalTextBytesMax)
        return StatePage.Entry(key: Array(subject.utf8), value: writer.bytes)
    }

    public init(_ entry: StatePage.Entry) throws(FormatError) {
        guard 1...Limits.journalSubjectBytesMax ~= entry.key.count,
            let subject = String(validating: entry.key, as: UTF8.self)
        else { throw .invalidField(.statePage, field: "subject") }
        self = try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
            let number = try reader.recordNumber()
            let value = try reader.text("setting", max: Limits.journalTextBytesMax)
            guard !value.isEmpty else { throw reader.invalid("setting") }
            return SettingEntry(subject: subject, value: value, number: number)
        }
    }
}

/// What a page says of a pack that is condemned, or swept and not yet deleted everywhere.
public struct PackEntry: Equatable, Sendable {
    public var pack: PackID
    /// The record that condemned it.
    public var condemned: UInt64
    /// The record that swept it; nil: the state still needs it.
    public var swept: UInt64?

    public init(pack: PackID, condemned: UInt64, swept: UInt64? = nil) {
        self.pack = pack
        self.condemned = condemned
        self.swept = swept
    }

    public var entry: StatePage.Entry {
        var value = ByteWriter(reserving: 17)
        value.integer(UInt8(swept == nil ? 1 : 2))
        value.integer(condemned)
        value.integer(swept ?? 0)
        return StatePage.Entry(key: pack.bytes, value: value.bytes)
    }

    public init(_ entry: StatePage.Entry) throws(FormatError) {
        let pack = try entry.key.parsedDigest()
        self = try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
            let state = try reader.uint8()
            let condemned = try reader.recordNumber("condemned")
            let swept = try reader.uint64()
            let isSwept = condemned < swept && swept <= Limits.sequenceMax
            guard state == 1 && swept == 0 || state == 2 && isSwept else {
                throw reader.invalid("state of a pack")
            }
            return PackEntry(pack: pack, condemned: condemned, swept: state == 2 ? swept : nil)
        }
    }
}

/// What a page says of an object that was given up.
public struct LostEntry: Equatable, Sendable {
    public var object: LostBody.Object
    /// The record that gave it up.
    public var number: UInt64

    public init(object: LostBody.Object, number: UInt64) {
        self.object = object
        self.number = number
    }

    public var entry: StatePage.Entry {
        var value = ByteWriter(reserving: 8)
        value.integer(number)
        return StatePage.Entry(
            key: [object.kind.rawValue] + object.name.bytes, value: value.bytes)
    }

    public init(_ entry: StatePage.Entry) throws(FormatError) {
        let name = try Array(entry.key.dropFirst()).parsedDigest()
        guard let kind = LostBody.Kind(rawValue: entry.key[0]) else {
            throw .invalidField(.statePage, field: "lost objects")
        }
        object = LostBody.Object(kind, name)
        number = try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
            try reader.recordNumber()
        }
    }
}

/// What a page says of a whole segment: its last record. Segments themselves differ in decisions.
public struct SegmentEntry: Equatable, Sendable {
    /// Number of its first record.
    public var first: UInt64
    public var last: Digest

    public init(first: UInt64, last: Digest) {
        self.first = first
        self.last = last
    }

    public var entry: StatePage.Entry {
        var key = ByteWriter(reserving: 8)
        key.integer(first.byteSwapped)
        return StatePage.Entry(key: key.bytes, value: last.bytes)
    }

    public init(_ entry: StatePage.Entry) throws(FormatError) {
        first = try entry.key.parsed(as: .statePage) { reader throws(FormatError) in
            let first = try reader.uint64().byteSwapped
            guard 1...Limits.sequenceMax ~= first, first == Segment.first(of: first) else {
                throw reader.invalid("first number")
            }
            return first
        }
        last = try entry.value.parsedDigest()
    }
}

/// What a page says of a branch that was adopted.
public struct BranchEntry: Equatable, Sendable {
    public var tip: LogPosition
    /// The first record that only the branch has.
    public var first: UInt64
    /// The record that adopted it.
    public var number: UInt64

    public init(tip: LogPosition, first: UInt64, number: UInt64) {
        self.tip = tip
        self.first = first
        self.number = number
    }

    public var entry: StatePage.Entry {
        var key = ByteWriter(reserving: 40)
        key.integer(tip.number.byteSwapped)
        key.digest(tip.digest)
        var value = ByteWriter(reserving: 16)
        value.integer(first)
        value.integer(number)
        return StatePage.Entry(key: key.bytes, value: value.bytes)
    }

    public init(_ entry: StatePage.Entry) throws(FormatError) {
        let tip = try entry.key.parsed(as: .statePage) { reader throws(FormatError) in
            let number = try reader.uint64().byteSwapped
            guard 1...Limits.sequenceMax ~= number else { throw reader.invalid("tip") }
            return LogPosition(number: number, digest: try reader.digest())
        }
        self = try entry.value.parsed(as: .statePage) { reader throws(FormatError) in
            let first = try reader.recordNumber("first")
            guard first <= tip.number else { throw reader.invalid("first") }
            return BranchEntry(tip: tip, first: first, number: try reader.recordNumber())
        }
    }
}

extension [UInt8] {
    /// These bytes as a digest and nothing else.
    fileprivate func parsedDigest() throws(FormatError) -> Digest {
        try parsed(as: .statePage) { reader throws(FormatError) in try reader.digest() }
    }
}
