internal import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import Synchronization

/// One run of `Vault.verify`.
final class Verification: Sendable {
    let vault: Vault
    let request: VerifyRequest
    let replicas: [Replica]
    private let progress: Progress
    private let cancellation: Cancellation
    private let report = Mutex(VerifyReport())
    private let memory: VerificationMemory
    private let start = Clock.steady()
    /// Frames that are good in no copy, also not in the paired region.
    private let lost = Mutex<[PackID: LostFrames]>([:])

    /// A pack and the replicas whose copy is to be read.
    private struct Work {
        var pack: PackSummary
        var replicas: [Replica]
        /// When the copy that was not read for the longest time was read, in nanoseconds since
        /// 1970; `Int64.min` for never.
        var oldest: Int64
    }

    init(
        _ vault: Vault, _ request: VerifyRequest, progress: Progress, cancellation: Cancellation
    ) throws(KuraError) {
        self.vault = vault
        self.request = request
        self.progress = progress
        self.cancellation = cancellation
        if let replica = request.replica, replica >= Int(vault.record.copies) || replica < 0 {
            throw KuraError(
                .invalidInput, "vault \(vault.record.name) has no replica \(replica)",
                remedy: .advice("its replicas are 0 to \(vault.record.copies - 1)"))
        }
        replicas = vault.replicas.filter { request.replica == nil || $0.ordinal == request.replica }
        memory = VerificationMemory(vault, replicas)
    }

    func run() throws(KuraError) -> VerifyReport {
        noteMissingReplicas()
        FolderVerification(self).run()
        checkRecords()
        try checkSmallFiles()
        let points = try checkPoints()
        let runs = try RunVerification(self).run()
        let comparison = try EntryComparison(runs) { isCancelled }
        let index = ChunkIndex(vault, runs: runs)
        let (packs, unfollowed) = packsToCheck(index, points)
        let work = work(packs)
        var dangling = checkPacks(work, of: points, in: index, comparison)
        let known = Set(dangling.compactMap(\.file))
        dangling += unfollowed.filter { $0.file.map { !known.contains($0) } ?? true }
        let problems = memory.save(Set(index.packs.map(\.id)))
        summarise(packs, work, problems: problems)
        if cancellation.isCancelled {
            throw KuraError(
                .interrupted, "interrupted; what was read is remembered",
                remedy: .vault(.resumeVerification))
        }
        for damage in try lookAgain(at: dangling, points) { note(damage) }
        if request.repair { repair(points) }
        return report.withLock { report in
            var report = report
            report.seconds = Double(Clock.steady() - start) / 1e9
            report.damaged.sort { ($0.place, $0.replica) < ($1.place, $1.replica) }
            return report
        }
    }

    // MARK: What parts of it share

    func note(_ error: any Error, in file: VaultFile, of replica: Replica) {
        note(Damage(in: replica, file, of: vault.id, error))
    }

    func note(_ damage: Damage) {
        report.withLock { report in
            if damage.isTooNew {
                if !report.tooNew.contains(damage) { report.tooNew.append(damage) }
            } else if !report.damaged.contains(damage) {
                report.damaged.append(damage)
            }
        }
    }

    func count(bytes: UInt64) {
        report.withLock { $0.bytes += bytes }
    }

    var isCancelled: Bool { cancellation.isCancelled }

    // MARK: Parts

    private func noteMissingReplicas() {
        for replica in vault.region.replicas.prefix(Int(vault.record.copies)) {
            guard let problem = vault.region.problems[replica.ordinal] else { continue }
            guard request.replica == nil || request.replica == replica.ordinal else { continue }
            note(
                Damage(
                    region: vault.region.name, replica: replica.ordinal, place: replica.place,
                    structure: .replica, kind: .missing, detail: problem.message))
        }
    }

    private func checkRecords() {
        for replica in replicas {
            do {
                let bytes = try contents(.record, of: replica)
                let record = try VaultRecord.decode(bytes)
                // A failover replaced it since this vault was opened.
                if record.id == vault.id, record.revision > vault.record.revision { continue }
                guard record == vault.record else {
                    throw FormatError.invalidField(.vault, field: "revision")
                }
            } catch {
                note(error, in: .record, of: replica)
            }
        }
    }

    private func contents(_ file: VaultFile, of replica: Replica) throws -> [UInt8] {
        let bytes = try replica.store.contents(
            file.name(in: vault.id), max: SealedRecord.byteCountMax)
        count(bytes: UInt64(bytes.count))
        return bytes
    }

    /// Lines of the ledger, entries of the journal, tombstones and condemnations.
    private func checkSmallFiles() throws(KuraError) {
        for kind in ObjectKind.all where kind.copying == .listed && kind.folder != Layout.points {
            for name in try vault.listIfPresent(kind.folder).keys.sorted() {
                guard let file = kind.file(name) else { continue }
                for replica in replicas {
                    do {
                        try file.check(contents(file, of: replica), vault.record)
                    } catch  where kind.comesAndGoes && Vault.isNotFound(error) {
                        // Another process is writing it, or the replica was away: the next session
                        // copies it.
                        continue
                    } catch {
                        note(error, in: file, of: replica)
                    }
                }
            }
        }
    }

    /// Reads every copy of every requested point.
    /// - Returns: the points of which at least one verified replica has a good copy.
    private func checkPoints() throws(KuraError) -> [RecoveryPointID: RecoveryPoint] {
        var points: [RecoveryPointID: RecoveryPoint] = [:]
        var missing: [(RecoveryPointID, Replica)] = []
        for id in try vault.recoveryPointIDs() {
            guard request.point == nil || request.point == id else { continue }
            for replica in replicas {
                do {
                    let bytes = try contents(.point(id), of: replica)
                    try VaultFile.point(id).check(bytes, vault.record)
                    points[id] = try RecoveryPoint.decode(bytes).point
                } catch  where Vault.isNotFound(error) {
                    missing.append((id, replica))
                } catch {
                    note(error, in: .point(id), of: replica)
                }
            }
        }
        try noteMissing(missing, &points)
        if let point = request.point, try !vault.recoveryPointIDs().contains(point) {
            throw KuraError(.notFound, "no recovery point \(point.short)")
        }
        return points
    }

    /// Records points that a replica lacks as damage, unless they were just being committed or
    /// dropped. While there is an interrupted session, that is a warning instead: the next session
    /// copies them.
    /// - Parameters:
    ///   - missing: points, and replicas in which they were not found at first.
    ///   - points: loses the points that were dropped.
    private func noteMissing(
        _ missing: [(id: RecoveryPointID, replica: Replica)],
        _ points: inout [RecoveryPointID: RecoveryPoint]
    ) throws(KuraError) {
        guard !missing.isEmpty else { return }
        try vault.waitForCommits(vault.waits.until(cancellation))
        // Read this first: an interrupted session's points may be copied between the two reads, and
        // then the second one finds them.
        let isInterrupted = !vault.interruptedSessions().isEmpty
        let dropped = try vault.droppedPoints()
        for (id, replica) in missing {
            if dropped.contains(id) {
                points[id] = nil
                continue
            }
            do {
                try VaultFile.point(id).check(contents(.point(id), of: replica), vault.record)
            } catch  where isInterrupted && !request.repair && Vault.isNotFound(error) {
                let warning =
                    "recovery point \(id.short) is not in replica \(replica.ordinal) yet: "
                    + "a command was interrupted; the next backup, prune or replication copies it"
                report.withLock { $0.warnings.append(warning) }
            } catch {
                note(error, in: .point(id), of: replica)
            }
        }
    }

    /// The packs that the request asks for: those that its point needs. Where that point cannot be
    /// followed, it is unknown which these are, and every pack is checked.
    /// - Returns: besides, a damage for the point that cannot be followed.
    private func packsToCheck(
        _ index: ChunkIndex, _ points: [RecoveryPointID: RecoveryPoint]
    ) -> (packs: [PackSummary], unfollowed: [Damage]) {
        guard request.point != nil else { return (index.packs, []) }
        let walker = PointWalker(index)
        let unfollowed = walk(points, with: walker)
        guard unfollowed.isEmpty else { return (index.packs, unfollowed) }
        return (index.packs.filter { walker.packs.contains($0.id) }, [])
    }

    /// The packs with copies that are due, those not read for the longest time first.
    private func work(_ packs: [PackSummary]) -> [Work] {
        let limit = request.maxAge.map { vault.clock.now() - $0 } ?? .max
        return packs.compactMap { pack in
            let times = replicas.map { ($0, memory.time(of: pack.id, in: $0) ?? .min) }
            let due = times.filter { $0.1 < limit }
            guard let oldest = due.map(\.1).min() else { return nil }
            return Work(pack: pack, replicas: due.map(\.0), oldest: oldest)
        }.sorted { ($0.oldest, $0.pack.id) < ($1.oldest, $1.pack.id) }
    }

    /// Reads packs with all threads; one of them follows the recovery points first, at level packs
    /// only those that a repair gave up. Where frames turn out to be good in no copy, all points
    /// are followed after that.
    /// - Returns: a damage for each point that needs what is missing or lost.
    private func checkPacks(
        _ work: [Work], of points: [RecoveryPointID: RecoveryPoint], in index: ChunkIndex,
        _ comparison: EntryComparison
    ) -> [Damage] {
        let total = work.reduce(0) { $0 + $1.pack.fileByteCount * UInt64($1.replicas.count) }
        progress.update { $0.totalBytes += total }
        let next = Atomic<Int>(0)
        let dangling = Mutex<[Damage]>([])
        Threads.run(request.threads ?? vault.budget.threads) { [self] thread in
            if thread == 0 {
                let found = walk(request.level == .chunks ? points : suspects(points), index)
                dangling.withLock { $0 = found }
            }
            let worker = PackVerifier(vault, decoding: request.level == .chunks)
            while !isCancelled, !isTimeUp {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < work.count else { break }
                check(work[number], with: worker, comparison)
            }
            report.withLock { $0.stages += worker.trace }
        }
        return lost.withLock { $0.isEmpty } ? dangling.withLock { $0 } : walk(points, index)
    }

    /// Points that a repair gave up, which may be whole again.
    private func suspects(
        _ points: [RecoveryPointID: RecoveryPoint]
    ) -> [RecoveryPointID: RecoveryPoint] {
        do throws(KuraError) {
            let suspects = Set(try vault.givenUp(of: points.keys))
            return points.filter { suspects.contains($0.key) }
        } catch {
            // That the ledger cannot be listed is recorded in `vault.damage`.
            return [:]
        }
    }

    private var isTimeUp: Bool {
        request.maxDuration.map { Clock.steady() - start >= $0 } ?? false
    }

    private func check(
        _ work: Work, with worker: PackVerifier, _ comparison: EntryComparison
    ) {
        let result = worker.verify(work.pack, in: work.replicas)
        compare(work.pack.id, trailer: result.trailer, comparison)
        let now = vault.clock.now()
        for replica in work.replicas {
            let failure = result.failures.first { $0.0.ordinal == replica.ordinal }
            if let failure { note(failure.1, in: .pack(work.pack.id), of: replica) }
            memory.set(failure == nil ? now : nil, of: work.pack.id, in: replica)
        }
        report.withLock { report in
            report.packs += work.replicas.count
            report.chunks += result.chunks
            report.bytes += result.bytes
        }
        if result.failures.count == work.replicas.count, !result.failures.isEmpty {
            let frames = PackAssembly(work.pack.id, vault)
                .lostFrames(decoding: request.level == .chunks)
            if let frames { lost.withLock { $0[work.pack.id] = frames } }
        }
        progress.update { $0.doneBytes += work.pack.fileByteCount * UInt64(work.replicas.count) }
    }

    /// Records the runs that contradict a pack as damage, in each verified replica.
    /// - Parameter known: the pack's trailer; nil where no copy of the pack is good as a whole.
    private func compare(
        _ pack: PackID, trailer known: PackTrailer?, _ comparison: EntryComparison
    ) {
        do throws(KuraError) {
            let trailer = if let known { known } else { try PackReader.trailer(pack, vault) }
            for found in try comparison.contradictions(of: pack, trailer) {
                for replica in replicas {
                    note(Damage(of: found.run, in: vault, replica, detail: found.detail))
                }
            }
        } catch {
            // A trailer or a run that cannot be read is recorded where it is checked.
            return
        }
    }

    /// Puts what the memory has after this run into the report.
    private func summarise(_ packs: [PackSummary], _ work: [Work], problems: [String]) {
        let limit = request.maxAge.map { vault.clock.now() - $0 } ?? .min
        let away = vault.region.replicas.prefix(Int(vault.record.copies)).count {
            vault.region.problems[$0.ordinal] != nil
                && (request.replica ?? $0.ordinal) == $0.ordinal
        }
        var times: [Int64?] = []
        for pack in packs {
            for replica in replicas { times.append(memory.time(of: pack.id, in: replica)) }
        }
        report.withLock { report in
            report.copies = times.count + packs.count * away
            report.skipped = times.count - report.packs
            report.provenCopies = times.count { $0.map { $0 >= limit } ?? false }
            report.oldestVerified = times.contains(nil) ? nil : times.compactMap { $0 }.min()
            report.warnings += problems
        }
    }

    /// Follows recovery points down to their chunks.
    /// - Returns: a damage for each point that needs what is missing or lost.
    private func walk(
        _ points: [RecoveryPointID: RecoveryPoint], _ index: ChunkIndex
    ) -> [Damage] {
        walk(points, with: PointWalker(index, lost: lost.withLock { $0 }))
    }

    private func walk(
        _ points: [RecoveryPointID: RecoveryPoint], with walker: PointWalker
    ) -> [Damage] {
        let start = Clock.steady()
        var found: [Damage] = []
        for (id, point) in points.sorted(by: { $0.key < $1.key }) {
            do throws(KuraError) {
                try walker.walk(point)
            } catch {
                found.append(Damage(of: id, in: vault, replicas.first, error))
            }
        }
        report.withLock { $0.stages[.manifest] += Clock.steady() - start }
        return found
    }

    /// Those of the points that cannot be followed by what the vault has now, either. A point may
    /// have been dropped since it was read, or a prune or a copy from the other region may have
    /// written other runs.
    private func lookAgain(
        at dangling: [Damage], _ points: [RecoveryPointID: RecoveryPoint]
    ) throws(KuraError) -> [Damage] {
        guard !dangling.isEmpty else { return [] }
        try vault.waitForCommits(vault.waits.until(cancellation))
        let files = Set(dangling.compactMap(\.file))
        let left = points.filter { files.contains(.point($0.key)) }
        let found = walk(left, try ChunkIndex.open(vault))
        // After the index, which has what these points need.
        let ids = Set(try vault.recoveryPointIDs())
        return found.filter { damage in
            if case .point(let id) = damage.file { ids.contains(id) } else { true }
        }
    }

    // MARK: Repair

    /// Heals what was found, then follows the recovery points again that needed what was missing or
    /// lost.
    private func repair(_ points: [RecoveryPointID: RecoveryPoint]) {
        let found = report.withLock { $0.damaged }
        guard !found.isEmpty else { return }
        var damaged = found
        do throws(KuraError) {
            damaged = try vault.heal(found, salvaging: true)
            if damaged.contains(where: { $0.kind == .dangling }) {
                try recheck(points, &damaged)
                try vault.giveUp(pointsOf: damaged)
            }
        } catch {
            for index in damaged.indices where !damaged[index].isRepaired {
                damaged[index].obstacle = damaged[index].obstacle ?? error.message
            }
        }
        report.withLock { $0.damaged = damaged }
    }

    private func recheck(
        _ points: [RecoveryPointID: RecoveryPoint], _ damaged: inout [Damage]
    ) throws(KuraError) {
        let walker = PointWalker(try ChunkIndex.open(vault), lost: lost.withLock { $0 })
        for index in damaged.indices where damaged[index].kind == .dangling {
            guard case .point(let id) = damaged[index].file, let point = points[id] else {
                continue
            }
            do throws(KuraError) {
                try walker.walk(point)
                damaged[index].repairedFrom = .rebuilt
            } catch {
                damaged[index].obstacle = error.message
            }
        }
    }
}
