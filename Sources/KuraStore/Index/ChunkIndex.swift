package import KuraFormat
package import KuraIO
internal import KuraLog
internal import KuraReplicas

/// All index runs of a vault: which chunks it holds, and where.
///
/// Immutable; `adding` a run makes a new value. Memory: the filters (12 bits a chunk) and fences
/// (0.7 bits a chunk) of all runs. A look-up costs one filter probe a run, and one block read for
/// each filter that cannot rule the chunk out.
package final class ChunkIndex: Sendable {
    let vault: Vault
    /// Smallest first. Small runs are mostly the newest. So when a chunk is in several packs, a
    /// look-up mostly finds the newest of them, which holds the chunks that are needed with it.
    package let runs: [IndexRunReader]
    /// Superseded runs that have not been removed yet.
    let obsolete: [IndexRunReader]

    init(_ vault: Vault, runs: [IndexRunReader]) {
        self.vault = vault
        // The run that supersedes another one has all of its entries that are still needed.
        let superseded = Set(runs.flatMap(\.trailer.superseded))
        obsolete = runs.filter { superseded.contains($0.id) }
        self.runs = runs.filter { !superseded.contains($0.id) }
            .sorted { $0.trailer.entryCount < $1.trailer.entryCount }
    }

    /// - Parameter runs: those that a log says are live.
    private init(_ vault: Vault, live runs: [IndexRunReader]) {
        self.vault = vault
        obsolete = []
        self.runs = runs.sorted { $0.trailer.entryCount < $1.trailer.entryCount }
    }

    private static let openAttemptsMax = 20

    /// Opens every run of a vault of which there is a good copy. The chunks of a run without one
    /// are not found until a repair lists its packs again; the damage is recorded.
    package static func open(_ vault: Vault) throws(KuraError) -> ChunkIndex {
        var attempts = 0
        while true {
            attempts += 1
            do throws(KuraError) {
                if let state = try vault.state() { return try open(vault, at: state) }
                let names = try vault.list(Layout.index).keys.sorted()
                return ChunkIndex(
                    vault, runs: try readers(of: names.compactMap { RunID(hex: $0) }, in: vault))
            } catch {
                // Between listing and opening, another process may have removed a run that it
                // merged. The next listing has the merged run, because that was published first: no
                // pause is needed. When it fails this many times, it is no race.
                guard attempts < openAttemptsMax, error.code == .notFound || error.code == .io
                else {
                    throw error
                }
            }
        }
    }

    /// Opens the runs that are live in a state.
    /// - Throws: `notFound` where a run is in no replica: it may have been superseded since.
    static func open(_ vault: Vault, at state: VaultState) throws(KuraError) -> ChunkIndex {
        let live = try state.liveRuns().map(\.run.id)
        return ChunkIndex(vault, live: try readers(of: live, in: vault))
    }

    private static func readers(
        of runs: [RunID], in vault: Vault
    ) throws(KuraError) -> [IndexRunReader] {
        var readers: [IndexRunReader] = []
        for run in runs {
            do throws(KuraError) {
                readers.append(try IndexRunReader(run, vault))
            } catch {
                guard error.code == .damaged else { throw error }
            }
        }
        return readers
    }

    func adding(_ run: IndexRunReader) -> ChunkIndex {
        vault.hasLog
            ? ChunkIndex(vault, live: runs + [run]) : ChunkIndex(vault, runs: runs + [run])
    }

    /// Every pack that a run lists, each once.
    package var packs: [PackSummary] {
        var seen = Set<PackID>()
        return runs.flatMap(\.trailer.packs).filter { seen.insert($0.id).inserted }
    }

    package var entryCount: UInt64 { runs.reduce(0) { $0 + $1.trailer.entryCount } }

    package func contains(_ id: ChunkID, _ cache: BlockCache) throws(KuraError) -> Bool {
        let probe = BloomFilter.Probe(id)
        // Most chunks that are found are in the largest run.
        for run in runs.reversed() where run.trailer.filter.mayContain(id, probe) {
            if try cache.find(id, in: run) != nil { return true }
        }
        return false
    }

    package func find(_ id: ChunkID, _ cache: BlockCache) throws(KuraError) -> FoundChunk? {
        let probe = BloomFilter.Probe(id)
        for run in runs where run.trailer.filter.mayContain(id, probe) {
            guard let location = try cache.find(id, in: run) else { continue }
            guard location.pack < run.trailer.packs.count else {
                throw KuraError(
                    .damaged,
                    "index run \(run.id.short) names pack \(location.pack) of "
                        + "\(run.trailer.packs.count)", remedy: .vault(.repair(.files)))
            }
            return FoundChunk(
                pack: run.trailer.packs[location.pack].id, frame: location.frame,
                plainOffset: location.plainOffset)
        }
        return nil
    }
}

extension ChunkIndex {
    /// The error of a chunk that no run lists.
    /// - Parameter others: further ways out.
    static func missing(_ chunk: ChunkID, _ others: Remedy...) -> KuraError {
        KuraError(
            .damaged, "chunk \(chunk.short) is in no pack",
            remedy: .anyOf(
                [
                    .vault(.repair(.chunks)),
                    .advice("back up a disk that still has it, which brings it back"),
                ] + others))
    }

    /// Reads a chunk that cannot be read where `find` says: from the first of its other locations
    /// for which `body` succeeds.
    /// - Parameter wrong: the location that `find` returned.
    /// - Returns: nil where it is good in none of them.
    func readElsewhere<T>(
        _ id: ChunkID, than wrong: FoundChunk, through cache: BlockCache,
        _ body: (FoundChunk) throws -> T?
    ) throws(KuraError) -> T? {
        for place in try otherPlaces(of: id, than: wrong, cache) {
            do {
                if let value = try body(place) { return value }
            } catch {
                // It may be good in the next one.
                if let error = error as? KuraError, error.code == .interrupted { throw error }
            }
        }
        return nil
    }

    /// Other locations of a chunk that cannot be read where `find` says: those that other runs
    /// have, then those that the trailer of the pack has. Where the trailer contradicts a run, the
    /// run is recorded as damage.
    /// - Parameter wrong: the location that `find` returned.
    func otherPlaces(
        of id: ChunkID, than wrong: FoundChunk, _ cache: BlockCache
    ) throws(KuraError) -> [FoundChunk] {
        var inPack: [FoundChunk] = []
        try PackReader.trailer(wrong.pack, vault).forEachLocation { chunk, frame, plainOffset in
            guard chunk.id == id else { return }
            inPack.append(FoundChunk(pack: wrong.pack, frame: frame, plainOffset: plainOffset))
        }
        // Where the pack's own trailer agrees with the run, the pack is damaged and not the run.
        let isRunWrong = !inPack.contains(wrong)
        var places: [FoundChunk] = []
        for run in runs where run.trailer.filter.mayContain(id) {
            guard let location = try cache.find(id, in: run),
                location.pack < run.trailer.packs.count
            else { continue }
            let place = FoundChunk(
                pack: run.trailer.packs[location.pack].id, frame: location.frame,
                plainOffset: location.plainOffset)
            if place != wrong {
                places.append(place)
                continue
            }
            guard isRunWrong else { continue }
            for replica in vault.replicas {
                vault.note(
                    Damage(
                        of: run.id, in: vault, replica,
                        detail: "chunk \(id.short) is not where it says, in frame "
                            + "\(place.frame) of pack \(place.pack.short)"))
            }
        }
        return (places + inPack).filter { $0 != wrong }
    }
}

/// Checked index blocks of one worker: direct-mapped, of fixed size, used by one thread.
package final class BlockCache {
    private struct Slot {
        var run: Int?
        var number = 0
        var count = 0
    }

    /// Number of blocks that were read, because they were not in the cache.
    package private(set) var readCount = 0
    private var slots: [Slot]
    private let blocks: AlignedBuffer
    private let mask: Int

    /// - Parameter blockCount: a power of two; memory is 4 KiB a block, touched when used.
    package init(blockCount: Int = Tuning.cachedBlocks) {
        precondition(blockCount.nonzeroBitCount == 1)
        mask = blockCount - 1
        slots = Array(repeating: Slot(), count: blockCount)
        blocks = AlignedBuffer(byteCount: blockCount * IndexBlock.byteCount)
    }

    func find(_ id: ChunkID, in run: IndexRunReader) throws(KuraError) -> ChunkLocation? {
        try place(of: id, in: run)?.location
    }

    /// The entry of a chunk in a run: its number among the run's entries, every block but the last
    /// counted as full, and its location. Nil where the run does not list the chunk.
    func place(
        of id: ChunkID, in run: IndexRunReader
    ) throws(KuraError) -> (number: Int, location: ChunkLocation)? {
        guard var number = run.trailer.block(for: id) else { return nil }
        while true {
            let (block, count) = try block(number, of: run)
            if let slot = IndexBlock.slot(of: id, in: block, count: count) {
                return (
                    number * IndexBlock.entriesMax + slot, IndexBlock.entry(block, slot).location
                )
            }
            // Names that share their first word with the fence may reach back into the block
            // before.
            guard number > 0, run.trailer.fences[number] == id.word0 else { return nil }
            number -= 1
        }
    }

    private func block(
        _ number: Int, of run: IndexRunReader
    ) throws(KuraError) -> (UnsafeRawBufferPointer, Int) {
        let key = run.serial
        let index = (number &+ key &* 0x9E37_79B1) & mask
        let start = index * IndexBlock.byteCount
        let target = UnsafeMutableRawBufferPointer(
            rebasing: blocks.bytes[start..<(start + IndexBlock.byteCount)])
        if slots[index].run == key, slots[index].number == number {
            return (UnsafeRawBufferPointer(target), slots[index].count)
        }
        slots[index].run = nil
        readCount += 1
        let count = try run.readBlock(number, into: target)
        slots[index] = Slot(run: key, number: number, count: count)
        return (UnsafeRawBufferPointer(target), count)
    }
}
