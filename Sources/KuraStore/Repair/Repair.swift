internal import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import Synchronization

/// Heals damaged files of a vault inside a session.
///
/// The good bytes are looked for first; without them nothing is touched. Then, in each replica with
/// a bad copy, the bad bytes go to `quarantine/` and the good ones are published in their place.
/// What is on disk if power fails on the way:
/// - the good bytes are a whole copy elsewhere: the bad file is moved, so for a moment this replica
///   lacks the file; a power failure at that moment is found by the next verification;
/// - the good bytes were put together from bad copies: those are needed until the new file is
///   durable, so the bad bytes are copied to the quarantine and the file is replaced by one rename.
///
/// Packs are healed by several threads, each with one pack in memory; after them the few other
/// files, one by one.
final class Repair: Sendable {
    private let session: Session
    private let vault: Vault
    private let quarantined = Atomic<Int>(0)

    /// So many that the device can read one healed copy back while it writes others. Each thread
    /// has one pack in memory, usually some tens of MiB.
    private static let threads = 5

    init(_ session: Session) {
        self.session = session
        vault = session.vault
    }

    /// Heals what can be healed. Damage in the paired region, of whole replicas, and of recovery
    /// points that need what is lost is returned as it is.
    /// - Parameter salvaging: whether packs without a good copy are salvaged: see `Salvage`.
    /// - Returns: each of `damage`, with `repairedFrom` or `obstacle` set where healing was tried.
    func heal(_ damage: [Damage], salvaging: Bool) -> [Damage] {
        prepareFolders()
        var damage = damage
        var places: [VaultFile: [Int]] = [:]
        var untrueRuns: [RunID: [Int]] = [:]
        for (index, entry) in damage.enumerated() {
            guard entry.region == vault.region.name, !entry.isRepaired, !entry.isTooNew else {
                continue
            }
            if case .run(let id) = entry.file, entry.isUntrue {
                untrueRuns[id, default: []].append(index)
            } else if let file = entry.file, entry.kind != .dangling {
                places[file, default: []].append(index)
            } else if entry.kind == .missing, let folder = entry.folder,
                isThere(folder, in: entry.replica)
            {
                // `prepareFolders` made it again.
                damage[index].repairedFrom = .rebuilt
            }
        }
        // Packs before runs, because a run is rebuilt from packs.
        let files = places.keys.sorted(by: VaultFile.isBefore)
        let isPack = { (file: VaultFile) in if case .pack = file { true } else { false } }
        let healed =
            heal(
                files.filter(isPack), at: places, in: damage,
                threads: vault.budget.threads(waiting: Self.threads))
            + heal(files.filter { !isPack($0) }, at: places, in: damage, threads: 1)
        var lostRuns: [RunID: [Int]] = [:]
        var lostPacks: [PackID: [Int]] = [:]
        for outcome in healed {
            let indices = places[outcome.file, default: []]
            for (index, entry) in zip(indices, outcome.damage) { damage[index] = entry }
            guard outcome.hasNoGoodCopy else { continue }
            if case .run(let id) = outcome.file { lostRuns[id] = indices }
            if case .pack(let id) = outcome.file { lostPacks[id] = indices }
            if case .dropped = outcome.file { setAside(outcome.file, at: indices, &damage) }
        }
        if !untrueRuns.isEmpty { rebuildIndex(untrueRuns, areUntrue: true, &damage) }
        if !lostRuns.isEmpty || damage.contains(where: { $0.kind == .dangling }) {
            rebuildIndex(lostRuns, &damage)
        }
        if salvaging, !lostPacks.isEmpty { salvage(lostPacks, &damage) }
        return damage
    }

    /// Whether every replica, of this region and of the paired one, can be used. Only then a file
    /// without a good copy is lost: a replica that is away may hold one.
    private var isComplete: Bool {
        vault.isComplete && session.writer.failures.isEmpty
    }

    private func salvage(_ lost: [PackID: [Int]], _ damage: inout [Damage]) {
        let all = lost.values.flatMap { $0 }
        var obstacle: String?
        if !vault.isActive {
            obstacle =
                "no copy in either region is good; repair the active region, then replicate "
                + "the vault"
        } else if !isComplete {
            obstacle =
                "no copy that can be read now is good, but a replica is away; run this again "
                + "when it is back"
        }
        if let obstacle {
            for index in all { damage[index].obstacle = obstacle }
            return
        }
        do throws(KuraError) {
            let packs = lost.mapValues { indices in indices.map { damage[$0] } }
            for id in try Salvage(session).run(packs) {
                for index in lost[id, default: []] {
                    damage[index].repairedFrom = .salvaged
                    damage[index].obstacle = nil
                }
            }
        } catch {
            for index in all { damage[index].obstacle = error.message }
        }
    }

    /// Moves every copy of a tombstone without a good copy to the quarantine: a damaged one does
    /// not prove that its point was dropped. Does nothing while a replica is away, which may hold a
    /// good one.
    private func setAside(
        _ file: VaultFile, at indices: [Int], _ damage: inout [Damage]
    ) {
        guard isComplete else { return }
        for index in indices {
            guard
                let replica = session.writer.live.first(where: {
                    $0.ordinal == damage[index].replica
                })
            else { continue }
            do throws(IOError) {
                try quarantine(file, in: replica, moving: true)
                damage[index].repairedFrom = .rebuilt
                damage[index].obstacle = nil
                session.log(file, in: replica, damage[index].kind, from: .rebuilt, byteCount: 0)
            } catch {
                damage[index].obstacle = "\(error)"
            }
        }
    }

    private func isThere(_ folder: StoreFolder, in ordinal: Int) -> Bool {
        guard let replica = session.writer.live.first(where: { $0.ordinal == ordinal }) else {
            return false
        }
        do throws(IOError) {
            return try replica.store.isPrepared(folder)
        } catch {
            return false
        }
    }

    private func prepareFolders() {
        for replica in session.writer.live {
            do throws(IOError) {
                try replica.store.prepare(vault: vault.id)
                let folder = Layout.vault(vault.id)
                try replica.store.prepare(folder.folder(Layout.repairs))
                try replica.store.prepare(folder.folder(Layout.quarantine))
            } catch {
                session.writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
    }

    // MARK: One file

    /// The damage to one file after healing.
    private struct Outcome {
        var file: VaultFile
        var damage: [Damage]
        var hasNoGoodCopy = false
    }

    /// Heals files in `threads` threads.
    /// - Parameter places: per file, the indices of its damage in `damage`.
    /// - Returns: an outcome for each file, in any order; its damage is in the order of `places`.
    private func heal(
        _ files: [VaultFile], at places: [VaultFile: [Int]], in damage: [Damage], threads: Int
    ) -> [Outcome] {
        guard !files.isEmpty else { return [] }
        let outcomes = Mutex<[Outcome]>([])
        let next = Atomic<Int>(0)
        Threads.run(min(threads, files.count)) { [self] _ in
            while true {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < files.count else { return }
                let mine = places[files[number], default: []].map { damage[$0] }
                let outcome = outcome(of: files[number], mine)
                outcomes.withLock { $0.append(outcome) }
            }
        }
        return outcomes.withLock { $0 }
    }

    private func outcome(of file: VaultFile, _ damage: [Damage]) -> Outcome {
        var outcome = Outcome(file: file, damage: damage)
        do throws(KuraError) {
            try heal(file, &outcome.damage)
        } catch {
            outcome.hasNoGoodCopy = error.code == .damaged || error.code == .notFound
            for index in outcome.damage.indices { outcome.damage[index].obstacle = error.message }
        }
        return outcome
    }

    /// Heals one file in every replica in which it is damaged. Throws when there are no good bytes.
    /// - Parameter damage: all damage to the file; gets `repairedFrom` or `obstacle`.
    private func heal(_ file: VaultFile, _ damage: inout [Damage]) throws(KuraError) {
        var copy: SoundCopy?
        for ordinal in Set(damage.map(\.replica)).sorted() {
            let mine = damage.indices.filter { damage[$0].replica == ordinal }
            guard let replica = session.writer.live.first(where: { $0.ordinal == ordinal }) else {
                let reason = session.writer.failures[ordinal]?.message ?? "the replica is away"
                for index in mine { damage[index].obstacle = reason }
                continue
            }
            if vault.isSound(file, in: replica) {
                // Another process has healed it, or the device failed to read it only once.
                for index in mine { damage[index].repairedFrom = .replica }
                continue
            }
            let good: SoundCopy
            if let copy { good = copy } else { good = try vault.soundCopy(of: file) }
            copy = good
            do throws(KuraError) {
                try replace(file, in: replica, by: good)
                for index in mine { damage[index].repairedFrom = good.source }
                session.log(
                    file, in: replica, damage[mine[0]].kind, from: good.source,
                    byteCount: good.byteCount)
            } catch {
                for index in mine { damage[index].obstacle = error.message }
            }
        }
    }

    private func replace(
        _ file: VaultFile, in replica: Replica, by copy: SoundCopy
    ) throws(KuraError) {
        do throws(IOError) {
            let isElsewhere = copy.source == .replica || copy.source == .pair
            try quarantine(file, in: replica, moving: isElsewhere)
            try copy.publish(file, in: replica, .replacing, by: session.id)
        } catch {
            throw KuraError(io: error)
        }
        guard vault.isSound(file, in: replica) else {
            throw KuraError(
                .io,
                "\(replica.store.address(of: file.name(in: vault.id))) reads back wrong after "
                    + "it was written",
                remedy: .advice("check the disk of replica \(replica.ordinal)"))
        }
    }

    /// Moves or copies the bad bytes of a file to the quarantine, where they can be read.
    private func quarantine(
        _ file: VaultFile, in replica: Replica, moving: Bool
    ) throws(IOError) {
        let name = file.name(in: vault.id)
        let number = quarantined.add(1, ordering: .relaxed).newValue
        let kept = Layout.vault(vault.id).folder(Layout.quarantine).object(
            "\(session.id.hex)-\(number)-"
                + file.relativePath.map { $0 == "/" ? "-" : "\($0)" }
                .joined())
        if moving {
            do throws(IOError) {
                return try replica.store.setAside(name, as: kept)
            } catch {
                if error.isNotFound { return }
                throw error
            }
        }
        let bytes: [UInt8]
        do throws(IOError) {
            bytes = try replica.store.contents(name, max: ObjectKind.byteCountMax)
        } catch {
            // The parts of it that can be read are in the good copy.
            return
        }
        try replica.store.put(kept, bytes, condition: .content, by: session.id)
    }

    // MARK: The index

    /// Lists the packs of lost runs in a new run, which supersedes them.
    ///
    /// While a replica of this region or of the paired one is away, nothing is superseded: it may
    /// hold a good copy of the run, and packs that no other replica has. The packs of the other
    /// replicas can be read all the same.
    /// - Parameter areUntrue: whether the runs are whole, but contradict their packs.
    private func rebuildIndex(
        _ lost: [RunID: [Int]], areUntrue: Bool = false, _ damage: inout [Damage]
    ) {
        let indices = lost.values.flatMap { $0 }
        do throws(KuraError) {
            let index = try ChunkIndex.open(vault)
            let superseded = Set((index.runs + index.obsolete).flatMap(\.trailer.superseded))
            // An earlier repair may have done it already.
            let left = lost.keys.filter { !superseded.contains($0) }.sorted()
            if !left.isEmpty || lost.isEmpty {
                // A pack that was condemned as lost may have a good copy again.
                try session.listUnlistedPacks(
                    superseding: isComplete ? left : [],
                    distrusting: areUntrue ? Set(lost.keys) : [],
                    evenCondemned: damage.contains { $0.kind == .dangling }, evenDamaged: true)
            }
        } catch {
            for index in indices { damage[index].obstacle = error.message }
            return
        }
        guard isComplete else {
            for index in indices {
                damage[index].obstacle =
                    "its packs are listed again, but a replica is away that "
                    + "may have more of them; run this again when it is back"
            }
            return
        }
        for (id, indices) in lost {
            for replica in session.writer.live {
                let mine = indices.filter { damage[$0].replica == replica.ordinal }
                guard let first = mine.first else { continue }
                do throws(IOError) {
                    try quarantine(.run(id), in: replica, moving: true)
                    for index in mine {
                        damage[index].repairedFrom = .rebuilt
                        damage[index].obstacle = nil
                    }
                    session.log(
                        .run(id), in: replica, damage[first].kind, from: .rebuilt, byteCount: 0)
                } catch {
                    for index in mine { damage[index].obstacle = "\(error)" }
                }
            }
        }
    }
}

extension Vault {
    /// Heals damage that `verify` or `damage` reported, as far as there are good bytes for it.
    ///
    /// - Parameter salvaging: whether packs without a good copy are salvaged, so that backups store
    ///   again what was lost with them: see `Salvage`.
    /// - Returns: each of `found`, with `repairedFrom` or `obstacle` set where healing was tried.
    ///   What is healed is durable and was read back.
    /// - Throws: `locked` when another process holds the vault; the error of a replica when none
    ///   can be written.
    public func heal(
        _ found: [Damage], salvaging: Bool = false
    ) throws(KuraError) -> [Damage] {
        let session = try Session.begin(
            self, operation: "repair", scope: .vault, required: 1)
        defer { session.end(clean: true) }
        let healed = Repair(session).heal(found, salvaging: salvaging)
        do throws(KuraError) {
            // Copies the new runs and lines of the ledger also to replicas that came back just now.
            try session.recover()
        } catch {
            // What is healed stays so; the next session tries again.
            return healed
        }
        return healed
    }
}

extension Vault {
    /// Records which recovery points need what is lost: see `Session.giveUp`. Does nothing while a
    /// replica is away, which may hold it, and in a passive region.
    func giveUp(pointsOf damage: [Damage]) throws(KuraError) {
        let points = damage.filter { $0.kind == .dangling && !$0.isRepaired }.compactMap(\.file)
        guard isActive, isComplete, !points.isEmpty,
            try !givenUp().isSuperset(of: points.map(\.relativePath))
        else { return }
        let session = try Session.begin(
            self, operation: "repair", scope: .vault, required: replicas.count)
        defer { session.end(clean: true) }
        try session.giveUp(points)
    }
}
