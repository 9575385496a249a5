internal import KuraFormat
internal import KuraIO

/// Entries of one pack, added up in any order: two lists of the same entries have the same sum, and
/// two different lists almost never.
struct EntrySum: Equatable {
    var count: UInt64 = 0
    private var sum: UInt64 = 0

    mutating func add(_ id: ChunkID, _ location: ChunkLocation) {
        count += 1
        // Names are digests, so a plain mix with the location is enough.
        let place = (location.bits & ChunkLocation.placeMask) &* 0x9E37_79B9_7F4A_7C15
        let mixed = (id.word0 ^ place ^ place >> 29) &* 0xBF58_476D_1CE4_E5B9
        sum &+= mixed ^ mixed >> 32
    }
}

/// Compares the entries that index runs have for packs with the trailers of the packs.
///
/// An entry may be wrong although the checksums of its run are right: it went wrong in memory,
/// before the run was written. All replicas have the same bytes then.
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

    /// A run that contradicts a pack's trailer.
    struct Contradiction {
        var run: RunID
        /// What exactly is wrong, for people.
        var detail: String
    }

    /// - Parameter trailer: of the pack, checked.
    func contradictions(
        of pack: PackID, _ trailer: PackTrailer
    ) throws(KuraError) -> [Contradiction] {
        let entries = PackWriter.Durable(pack, trailer).entries
        var whole = EntrySum()
        for entry in entries { whole.add(entry.id, entry.location) }
        var found: [Contradiction] = []
        for (run, sum) in listed[pack, default: []] where sum != whole {
            // A merged run has one entry for a chunk of several packs, so sums may differ without a
            // contradiction.
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
        // A pack has a chunk twice only where two threads stored it at the same time.
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
