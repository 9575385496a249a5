/// Index runs that a record adds, and those that they take the place of.
public struct RunsBody: Equatable, Sendable {
    public struct Run: Equatable, Sendable {
        public var id: RunID
        /// Length of its file.
        public var byteCount: UInt64
        public var entries: UInt64
        /// Packs that it lists.
        public var packs: UInt32

        public init(id: RunID, byteCount: UInt64, entries: UInt64, packs: UInt32) {
            self.id = id
            self.byteCount = byteCount
            self.entries = entries
            self.packs = packs
        }

        static let byteCountEncoded = Digest.byteCount + 8 + 8 + 4
    }

    /// None twice.
    public var added: [Run]
    /// None twice.
    public var superseded: [RunID]

    public init(added: [Run], superseded: [RunID]) {
        self.added = added
        self.superseded = superseded
    }
}

extension RunsBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.longList(added.sorted { $0.id < $1.id }) { writer, run in
            writer.digest(run.id)
            writer.integer(run.byteCount)
            writer.integer(run.entries)
            writer.integer(run.packs)
        }
        open.digests(superseded)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        added = try open.longList("runs", elementBytes: Run.byteCountEncoded) {
            reader throws(FormatError) in
            Run(
                id: try reader.digest(), byteCount: try reader.uint64(),
                entries: try reader.uint64(), packs: try reader.uint32())
        }
        superseded = try open.digests("superseded runs")
        guard !(added.isEmpty && superseded.isEmpty), added.ascends(by: { $0.id < $1.id }),
            added.allSatisfy({ $0.packs <= Limits.runPacksMax })
        else { throw open.invalid("runs") }
    }
}
