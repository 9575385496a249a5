/// Records that a region decided alone before it knew of a failover: what was in them comes to this
/// chain. Their points are bodies of their own in this record and those that follow.
public struct AdoptionBody: Equatable, Sendable {
    /// The last record of the branch.
    public var tip: LogPosition
    /// Number of the first record that only the branch has, 1...`tip.number`.
    public var first: UInt64
    /// Subjects of settings that the branch changed and that this chain does not take over.
    /// Private.
    public var refusedSettings: [String]

    public init(tip: LogPosition, first: UInt64, refusedSettings: [String]) {
        self.tip = tip
        self.first = first
        self.refusedSettings = refusedSettings
    }
}

extension AdoptionBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.position(tip)
        open.integer(first)
        hidden.longList(refusedSettings) { $0.text($1) }
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        tip = try open.position("tip")
        first = try open.recordNumber("first")
        guard first <= tip.number else { throw open.invalid("first") }
        refusedSettings = try hidden.longList("refused settings", elementBytes: 2) {
            reader throws(FormatError) in
            try reader.text("refused settings", max: Limits.journalSubjectBytesMax)
        }
    }
}
