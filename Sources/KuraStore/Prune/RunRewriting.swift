internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Writes index runs again without the packs that are removed.
///
/// Each run that lists one of them gets a successor of its own, which has all its other entries
/// and supersedes it. A pack that stays keeps all of its entries, needed or not: a backup may need
/// one again. Of a removed pack, the entries that points need stay, too, with the chunk's location
/// in another pack: a replica or a region gets runs one by one, and with any part of them it must
/// find what its points need. Memory: see `IndexRunWriter`.
struct RunRewriting {
    private let session: Session
    let packs: Set<PackID>
    private let survivors: Survivors?
    /// Successors that were written beforehand, by the run that they supersede; nil for a run of
    /// which no entry stays.
    private var prepared: [RunID: PreparedRun?] = [:]
    /// Successors that `replacement` published, likewise.
    private var published: [RunID: IndexRunReader?] = [:]

    /// Runs of fewer entries are written while the commit lock is held: a fraction of a second.
    private static let preparedEntriesMin: UInt64 = 1 << 19

    init(_ session: Session, without packs: Set<PackID>, _ survivors: Survivors?) {
        self.session = session
        self.packs = packs
        self.survivors = survivors
    }

    /// Writes the successors of large runs, under no name yet, before the commit lock is taken. If
    /// a run is gone when `run` is called, its successor is not used.
    mutating func prepare(_ index: ChunkIndex) throws(KuraError) {
        for run in index.runs where isAffected(run) {
            guard run.trailer.entryCount >= Self.preparedEntriesMin else { continue }
            prepared[run.id] = .some(try rewrite(run, and: []))
        }
    }

    /// Removes what was prepared and not used.
    mutating func abandon() {
        for case let run? in prepared.values { run.abandon() }
        prepared = [:]
    }

    /// What takes the place of runs.
    struct Replacement {
        var added: [IndexRunReader] = []
        var superseded: [RunID] = []
    }

    /// Publishes the successors of affected runs, for a record of the log that says so. Called
    /// again with a newer index, it publishes only those that are new.
    mutating func replacement(in index: ChunkIndex) throws(KuraError) -> Replacement {
        var replacement = Replacement()
        for run in index.runs where isAffected(run) {
            replacement.superseded.append(run.id)
            let known: IndexRunReader?
            if let published = published[run.id] {
                known = published
            } else {
                known = try publish(run)
                published[run.id] = .some(known)
            }
            if let known { replacement.added.append(known) }
        }
        return replacement
    }

    /// - Returns: nil for a run of which no entry stays.
    private mutating func publish(_ run: IndexRunReader) throws(KuraError) -> IndexRunReader? {
        let successor: PreparedRun?
        if let known = prepared.removeValue(forKey: run.id) {
            successor = known
        } else {
            successor = try rewrite(run, and: [])
        }
        guard let successor else { return nil }
        try successor.publish()
        return try IndexRunReader(successor.id, session.vault)
    }

    private func isAffected(_ run: IndexRunReader) -> Bool {
        run.trailer.packs.contains { packs.contains($0.id) }
    }

    /// Publishes the successors. Call it under the commit lock.
    /// - Parameter index: opened under the lock.
    /// - Returns: bytes of the new runs, in one replica.
    mutating func run(_ index: ChunkIndex) throws(KuraError) -> UInt64 {
        var written: UInt64 = 0
        // Runs of which no entry stays: another run has to supersede them, and the smallest one is
        // written again for that.
        var empty: [RunID] = []
        var smallest: RunID?
        for run in index.runs.reversed() {
            guard isAffected(run) else {
                smallest = run.id
                continue
            }
            let successor: PreparedRun?
            if let known = prepared.removeValue(forKey: run.id) {
                successor = known
            } else {
                successor = try rewrite(run, and: [])
            }
            if let successor {
                written += successor.byteCount
                try successor.publish()
                smallest = successor.id
            } else {
                empty += [run.id] + run.trailer.superseded
            }
        }
        guard !empty.isEmpty else { return written }
        if let smallest {
            let run = try IndexRunReader(smallest, session.vault)
            if let run = try rewrite(run, and: empty) {
                written += run.byteCount
                try run.publish()
            }
        } else {
            try remove(empty)
        }
        return written
    }

    private func rewrite(
        _ run: IndexRunReader, and empty: [RunID]
    ) throws(KuraError) -> PreparedRun? {
        let staying = run.trailer.packs.filter { !packs.contains($0.id) }
        var numbers: [PackID: Int] = [:]
        for (number, pack) in staying.enumerated() { numbers[pack.id] = number }
        let moved = run.trailer.packs.map { numbers[$0.id] }
        return try IndexRunWriter.prepare(
            atMost: Int(run.trailer.entryCount),
            superseded: [run.id] + run.trailer.superseded + empty, to: session.writer
        ) { (append) throws(KuraError) in
            var kept = staying
            var known = numbers
            var cursor = RunCursor(run)
            while let entry = try cursor.next() {
                if let number = moved[entry.location.pack] {
                    let place = ChunkLocation(
                        pack: number, frame: entry.location.frame,
                        plainOffset: entry.location.plainOffset)
                    try append(IndexEntry(id: entry.id, location: place))
                } else if let other = try otherPlace(of: entry.id, &kept, &known) {
                    try append(IndexEntry(id: entry.id, location: other))
                }
            }
            return kept
        }
    }

    /// The location of a chunk that points need in a pack that stays; nil for other chunks.
    private func otherPlace(
        of id: ChunkID, _ kept: inout [PackSummary], _ known: inout [PackID: Int]
    ) throws(KuraError) -> ChunkLocation? {
        guard let place = try survivors?.place(of: id, without: packs) else { return nil }
        let number = known[place.pack.id] ?? kept.count
        if number == kept.count {
            known[place.pack.id] = number
            kept.append(place.pack)
        }
        return ChunkLocation(
            pack: number, frame: place.location.frame, plainOffset: place.location.plainOffset)
    }

    /// Removes runs of which no entry stays, where the vault has no other run to supersede them.
    private func remove(_ runs: [RunID]) throws(KuraError) {
        for run in runs {
            for replica in session.writer.live {
                do throws(IOError) {
                    try session.vault.remove(.run(run), in: replica)
                } catch {
                    throw KuraError(io: error)
                }
            }
        }
    }
}

/// Locations of the chunks that points need, outside of packs that are removed.
struct Survivors {
    /// Nil where only the copied chunks stay.
    let marks: LiveMarks?
    /// Chunks that were copied out of packs that are removed.
    let repacked: RepackedChunks?

    /// A location outside of `packs`; nil for a chunk that no point needs. The pack number of the
    /// location is undefined. Needed also for chunks that were not copied: a run has one location
    /// of each chunk, and a merge since the marking may have kept another one than was marked.
    func place(
        of id: ChunkID, without packs: Set<PackID>
    ) throws(KuraError) -> (pack: PackSummary, location: ChunkLocation)? {
        if let place = repacked?.place(of: id) { return place }
        guard let marks, let place = try marks.livePlace(of: id), !packs.contains(place.pack),
            let summary = marks.summaries[place.pack]
        else { return nil }
        return (
            summary,
            ChunkLocation(pack: 0, frame: place.frame, plainOffset: place.plainOffset)
        )
    }
}
