internal import KuraFormat
internal import KuraIO

/// Entries of one pack, added up in whatever order: two lists of the same entries have the same
/// sum, and other lists nearly never.
struct EntrySum: Equatable {
    var count: UInt64 = 0
    private var sum: UInt64 = 0

    mutating func add(_ id: ChunkID, _ location: ChunkLocation) {
        count += 1
        // Names are digests: mixing in the location is enough to tell one place from another.
        let place = (location.bits & ChunkLocation.placeMask) &* 0x9E37_79B9_7F4A_7C15
        let mixed = (id.word0 ^ place ^ place >> 29) &* 0xBF58_476D_1CE4_E5B9
        sum &+= mixed ^ mixed >> 32
    }
}

/// Compares what index runs say of packs with what the packs say of themselves.
///
/// A run and its checksum may be whole, and an entry of it wrong all the same: it went wrong before
/// the run was written. All replicas have the same bytes then.
final class EntryComparison: Sendable {
    private let listed: [PackID: [(run: IndexRunReader, sum: EntrySum)]]

    /// - Complexity: reads every entry of every run.
    init(_ runs: [IndexRunReader], _ isCancelled: () -> Bool) throws(KuraError) {
        var listed: [PackID: [(run: IndexRunReader, sum: EntrySum)]] = [:]
        for run in runs where !isCancelled() {
            var sums = [EntrySum](repeating: EntrySum(), count: run.trailer.packs.count)
            var cursor = RunCursor(run)
            while let entry = try cursor.next() {
                sums[entry.location.pack].add(entry.id, entry.location)
            }
            for (pack, sum) in zip(run.trailer.packs, sums) where sum.count > 0 {
                listed[pack.id, default: []].append((run, sum))
            }
        }
        self.listed = listed
    }

    /// A run that says something else of a pack than the pack's own trailer, and what.
    struct Contradiction {
        var run: RunID
        var detail: String
    }

    /// - Parameter trailer: of the pack, good.
    func contradictions(
        of pack: PackID, _ trailer: PackTrailer
    ) throws(KuraError) -> [Contradiction] {
        let entries = PackWriter.Durable(pack, trailer).entries
        var whole = EntrySum()
        for entry in entries { whole.add(entry.id, entry.location) }
        var found: [Contradiction] = []
        for (run, sum) in listed[pack, default: []] where sum != whole {
            // A merged run leaves out chunks that it has in another pack.
            if let detail = try contradiction(of: run, with: sum, to: pack, entries) {
                found.append(Contradiction(run: run.id, detail: detail))
            }
        }
        return found
    }

    private func contradiction(
        of run: IndexRunReader, with sum: EntrySum, to pack: PackID, _ entries: [IndexEntry]
    ) throws(KuraError) -> String? {
        let blocks = BlockCache(blockCount: 64)
        // A pack has a chunk twice only where two threads stored it at the same moment.
        let places = Dictionary(grouping: entries, by: \.id)
        var right: UInt64 = 0
        for (id, known) in places {
            guard let location = try blocks.find(id, in: run),
                run.trailer.packs[location.pack].id == pack
            else { continue }
            guard known.contains(where: { Self.isSamePlace($0.location, location) }) else {
                return "it has chunk \(id.short) in frame \(location.frame), offset "
                    + "\(location.plainOffset) of pack \(pack.short), which has it in frame "
                    + "\(known[0].location.frame), offset \(known[0].location.plainOffset)"
            }
            right += 1
        }
        return right == sum.count
            ? nil : "it has chunks in pack \(pack.short) that the pack does not have"
    }

    private static func isSamePlace(_ left: ChunkLocation, _ right: ChunkLocation) -> Bool {
        (left.bits ^ right.bits) & ChunkLocation.placeMask == 0
    }
}
