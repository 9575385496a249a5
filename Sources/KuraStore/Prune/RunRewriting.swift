internal import KuraFormat
internal import KuraIO

/// Writes index runs again without the packs that go.
///
/// Each run that lists one of them gets a successor of its own, which holds all its other entries
/// and supersedes it, so memory stays that of the largest run. A pack that stays keeps all of its
/// entries, needed or not: a backup may want one again. Of a pack that goes, those that points need
/// stay, too, with the place where the chunk is now: a replica or a region gets runs one by one,
/// and whichever it has got, it must find what its points need.
struct RunRewriting {
    private let session: Session
    private let packs: Set<PackID>
    private let survivors: Survivors?

    init(_ session: Session, without packs: Set<PackID>, _ survivors: Survivors?) {
        self.session = session
        self.packs = packs
        self.survivors = survivors
    }

    /// - Returns: bytes of the new runs.
    func run(_ index: ChunkIndex) throws(StoreError) -> UInt64 {
        var written: UInt64 = 0
        // Runs of which nothing stays. Another one has to say so; the smallest is written anew.
        var empty: [RunID] = []
        var smallest: IndexRunReader?
        for run in index.runs {
            let isAffected = run.trailer.packs.contains { packs.contains($0.id) }
            guard isAffected else {
                smallest = run
                continue
            }
            if let successor = try rewrite(run, and: []) {
                written += successor.trailer.fileByteCount
                smallest = successor
            } else {
                empty += [run.id] + run.trailer.superseded
            }
        }
        guard !empty.isEmpty else { return written }
        if let smallest {
            written += try rewrite(smallest, and: empty)?.trailer.fileByteCount ?? 0
        } else {
            try remove(empty)
        }
        return written
    }

    private func rewrite(
        _ run: IndexRunReader, and empty: [RunID]
    ) throws(StoreError) -> IndexRunReader? {
        var kept: [PackSummary] = []
        let places = run.trailer.packs.map { pack -> Int? in
            if packs.contains(pack.id) { return nil }
            kept.append(pack)
            return kept.count - 1
        }
        var known: [PackID: Int] = [:]
        for (place, pack) in kept.enumerated() { known[pack.id] = place }
        var entries: [IndexEntry] = []
        let block = AlignedBuffer(byteCount: IndexBlock.byteCount)
        for number in run.trailer.fences.indices {
            let count = try run.readBlock(number, into: block.bytes)
            for slot in 0..<count {
                let entry = IndexBlock.entry(UnsafeRawBufferPointer(block.bytes), slot)
                guard entry.location.pack < places.count else {
                    throw StoreError(
                        .damaged, "index run \(run.id.short) names a pack that it does not list",
                        remedy: "run: kura verify --repair")
                }
                guard let place = places[entry.location.pack] else {
                    if let other = try otherPlace(of: entry.id, &kept, &known) {
                        entries.append(IndexEntry(id: entry.id, location: other))
                    }
                    continue
                }
                entries.append(
                    IndexEntry(
                        id: entry.id,
                        location: ChunkLocation(
                            pack: place, frame: entry.location.frame,
                            plainOffset: entry.location.plainOffset)))
            }
        }
        return try IndexRunWriter.write(
            entries, packs: kept, superseded: [run.id] + run.trailer.superseded + empty,
            to: session.writer)
    }

    /// Where a chunk that points need is in a pack that stays.
    private func otherPlace(
        of id: ChunkID, _ kept: inout [PackSummary], _ known: inout [PackID: Int]
    ) throws(StoreError) -> ChunkLocation? {
        guard let place = try survivors?.place(of: id, without: packs) else { return nil }
        let number = known[place.pack.id] ?? kept.count
        if number == kept.count {
            known[place.pack.id] = number
            kept.append(place.pack)
        }
        return ChunkLocation(
            pack: number, frame: place.location.frame, plainOffset: place.location.plainOffset)
    }

    /// Without any other run in the vault there is nobody to supersede them.
    private func remove(_ runs: [RunID]) throws(StoreError) {
        for run in runs {
            for replica in session.writer.live {
                do throws(IOError) {
                    try session.vault.remove(.run(run), in: replica)
                } catch {
                    throw StoreError(io: error)
                }
            }
        }
    }
}

/// Where chunks that points need are when packs go.
struct Survivors {
    let marks: LiveMarks
    /// Lists what was copied out of packs that go.
    let repacked: IndexRunReader?
    private let blocks = BlockCache()

    init(marks: LiveMarks, repacked: IndexRunReader?) {
        self.marks = marks
        self.repacked = repacked
    }

    /// A place outside of `packs`: nil for a chunk that no point needs. The location's pack number
    /// means nothing. A run keeps one place of each chunk, and a merge since the marking may have
    /// kept another one than was marked.
    func place(
        of id: ChunkID, without packs: Set<PackID>
    ) throws(StoreError) -> (pack: PackSummary, location: ChunkLocation)? {
        if let repacked, let location = try blocks.find(id, in: repacked) {
            return (repacked.trailer.packs[location.pack], location)
        }
        guard let place = try marks.livePlace(of: id), !packs.contains(place.pack),
            let summary = marks.summaries[place.pack]
        else { return nil }
        return (
            summary,
            ChunkLocation(pack: 0, frame: place.frame, plainOffset: place.plainOffset)
        )
    }
}
