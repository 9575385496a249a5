/// Packs that no live point needs: the first step of collection. The state still needs them.
public struct CondemnBody: Equatable, Sendable {
    /// At least one, none twice.
    public var packs: [PackID]

    public init(packs: [PackID]) { self.packs = packs }
}

extension CondemnBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) { open.digests(packs) }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        packs = try open.digests("packs", min: 1)
    }
}

/// Condemned packs that something relies on again: no sweep takes them.
public struct SpareBody: Equatable, Sendable {
    /// At least one, none twice. A run of this record or of a live one lists each.
    public var packs: [PackID]

    public init(packs: [PackID]) { self.packs = packs }
}

extension SpareBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) { open.digests(packs) }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        packs = try open.digests("packs", min: 1)
    }
}

/// Packs that the state no longer needs: what a condemnation named and nothing spared since.
public struct SweepBody: Equatable, Sendable {
    /// Number of the record that condemned them.
    public var condemned: UInt64
    /// At least one, none twice.
    public var packs: [PackID]

    public init(condemned: UInt64, packs: [PackID]) {
        self.condemned = condemned
        self.packs = packs
    }
}

extension SweepBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.integer(condemned)
        open.digests(packs)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        condemned = try open.recordNumber("condemned")
        packs = try open.digests("packs", min: 1)
    }
}

/// Sweeps that every member has carried out.
public struct DeletedBody: Equatable, Sendable {
    /// Numbers of the records of those sweeps: at least one, none twice.
    public var sweeps: [UInt64]

    public init(sweeps: [UInt64]) { self.sweeps = sweeps }
}

extension DeletedBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.longList(sweeps.sorted()) { $0.integer($1) }
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        sweeps = try open.longList("sweeps", elementBytes: 8) { reader throws(FormatError) in
            try reader.recordNumber("sweeps")
        }
        guard !sweeps.isEmpty, sweeps.ascends(by: <) else {
            throw open.invalid("sweeps")
        }
    }
}
