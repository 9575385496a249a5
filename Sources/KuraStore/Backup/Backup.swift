internal import KuraFormat
public import KuraIO
internal import KuraLog
internal import KuraReplicas
internal import Synchronization

/// One backup: from disks to a recovery point.
///
/// Order of what becomes durable: packs, index run, recovery point. What is on disk if power fails:
/// - before the first run: packs that no run lists; the next session finds and lists them;
/// - before the recovery point: chunks that the next backup need not store again;
/// - after the recovery point's rename: the recovery point, complete.
final class Backup: Sendable {
    let session: Session
    let request: BackupRequest
    let progress: Progress
    let dataPacks: PackWriter
    let manifestPacks: PackWriter
    private let cancellation: Cancellation
    private let tasks: ExtentTasks
    private let claims = Claims()
    private let state: Mutex<State>
    /// One worker at a time writes an index run.
    private let runLock = Mutex(())

    /// Packs that the vault had when the backup began, which it relies on.
    private let relied: [PackSummary]

    /// The item's recovery point before this one.
    private let parent: (id: RecoveryPointID, point: RecoveryPoint)?

    private struct State {
        var index: ChunkIndex
        var error: KuraError?
        var isRefused = false
        var runs: [RunID] = []
        /// Those of `runs` that no record of the log lists yet.
        var unlisted: [IndexRunReader] = []
        var storedBytes: UInt64 = 0
        /// Of `storedBytes`, those that are no frames of data packs.
        var metadataBytes: UInt64 = 0
        /// Plain bytes of chunks that were stored although the vault held them.
        var rewrittenBytes: UInt64 = 0
        /// Plain bytes of such chunks that may still be rewritten.
        var allowance: UInt64 = 0
        var trace = StageTimes()
    }

    init(
        _ request: BackupRequest, in session: Session, index: ChunkIndex, progress: Progress,
        cancellation: Cancellation
    ) throws(KuraError) {
        self.request = request
        relied = index.packs
        parent = try session.vault.recoveryPoints().first {
            $0.point.item.utf8.elementsEqual(request.item.utf8)
        }
        self.session = session
        self.progress = progress
        self.cancellation = cancellation
        dataPacks = PackWriter(.data, to: session.writer, capacity: Tuning.dataPackBytes)
        manifestPacks = PackWriter(
            .manifest, to: session.writer, capacity: Tuning.manifestPackBytes)
        // A parent that lost chunks is not used at all: which extents are affected is not known,
        // so every extent is read in full.
        let isUsable =
            try parent.map { parent throws(KuraError) in
                try !session.vault.isGivenUp(.point(parent.id))
            } ?? false
        tasks = ExtentTasks(
            request.disks,
            parents: Self.parentExtents(
                of: request.disks, in: isUsable ? parent?.point : nil, index: index),
            sequence: parent?.point.sequence ?? 0, isParanoid: request.isParanoid)
        // Frames become sparse when new chunks replace theirs, so the allowance is a share of the
        // new bytes of the backup before: a disk that does not change has nothing rewritten. A
        // first backup replaces nothing.
        let replaced = parent.map { $0.point.sequence > 1 ? $0.point.counts.newBytes : 0 } ?? 0
        let allowance = replaced / Tuning.rewriteShare
        state = Mutex(State(index: index, allowance: allowance))
    }

    /// Per disk, the nodes of the extents of the parent's disk of the same name.
    private static func parentExtents(
        of disks: [BackupRequest.Disk], in parent: RecoveryPoint?, index: ChunkIndex
    ) -> [[Int: NodeID]] {
        let reader = ManifestReader(index, PackReader(index.vault), blocks: BlockCache())
        return disks.map { disk in
            var nodes: [Int: NodeID] = [:]
            guard let record = parent?.disks.first(where: { $0.name == disk.name }) else {
                return nodes
            }
            do throws(KuraError) {
                try reader.forEachExtent(of: record) { nodes[$0] = $1 }
            } catch {
                // The parent only saves work: without a readable one the whole disk is cut again.
                return [:]
            }
            return nodes
        }
    }

    // MARK: What workers call

    var index: ChunkIndex { state.withLock { $0.index } }

    var isCancelled: Bool { cancellation.isCancelled || state.withLock { $0.error != nil } }

    func nextTask() throws(KuraError) -> ExtentTask? {
        if isCancelled { return nil }
        return try tasks.next()
    }

    /// Whether chunks of `byteCount` plain bytes may be stored once more. If so, the allowance
    /// becomes smaller by that many.
    func takeAllowance(_ byteCount: Int) -> Bool {
        state.withLock { state in
            guard UInt64(byteCount) <= state.allowance else { return false }
            state.allowance -= UInt64(byteCount)
            return true
        }
    }

    func finish(
        _ task: ExtentTask, node: NodeID?, counts: DiskCounts, rewrittenBytes: UInt64
    ) {
        tasks.finish(task, node: node, counts: counts)
        if rewrittenBytes > 0 { state.withLock { $0.rewrittenBytes += rewrittenBytes } }
        let count = task.extent.upperBound - task.extent.lowerBound
        progress.update { $0.doneBytes += count }
    }

    /// Keeps the first error and makes every worker stop. `interrupted` is none: workers throw it
    /// because another one failed, or because `cancellation` stops the backup.
    func fail(_ error: KuraError) {
        state.withLock { state in
            if error.code != .interrupted { state.error = state.error ?? error }
        }
    }

    /// Claims new chunks (see `Claims.claim`), and writes an index run when there are many claims.
    func claim(_ ids: [ChunkID], marked: inout [Bool]) throws(KuraError) {
        let count = claims.claim(ids, marked: &marked)
        if count >= Tuning.runEntriesMax { try writeRun(onlyIfMany: true) }
    }

    /// Lists the packs that have become durable since the last run in a new index run.
    private func writeRun(onlyIfMany: Bool) throws(KuraError) {
        try runLock.withLock { _ throws(KuraError) in
            var data = dataPacks.takeDurable()
            if onlyIfMany, data.entries.count < Tuning.runEntriesMax / 2 {
                dataPacks.giveBack(data)
                return
            }
            data.append(manifestPacks.takeDurable())
            let entries = data.entries
            guard
                let run = try IndexRunWriter.write(
                    entries, packs: data.packs, to: session.writer)
            else { return }
            let stored = data.packs.reduce(run.trailer.fileByteCount) { $0 + $1.fileByteCount }
            state.withLock { state in
                state.index = state.index.adding(run)
                state.runs.append(run.id)
                state.unlisted.append(run)
                state.storedBytes += stored
                state.metadataBytes += stored - data.frameBytes
            }
            // A long backup lists its runs as it goes: others cannot use what no record lists.
            if onlyIfMany { try listRuns() }
            claims.release(entries)
        }
    }

    /// Lists the runs in the log that are not listed yet.
    private func listRuns() throws(KuraError) {
        let runs = state.withLock { $0.unlisted }
        guard let log = session.log, !runs.isEmpty else { return }
        try session.commit(log, addsObjects: true) { _ in [.runs(RunsBody(listing: runs))] }
        state.withLock { $0.unlisted.removeAll { run in runs.contains { $0.id == run.id } } }
    }

    // MARK: The run as a whole

    func run() throws(KuraError) -> BackupReport {
        let start = Clock.steady()
        try reviewed { review, newest throws(KuraError) in try review.sources(newest) }
        let time = request.time ?? session.vault.clock.now()
        let total = tasks.outcomes.reduce(0) { $0 + $1.byteCount }
        progress.update { $0.totalBytes = total }
        Threads.run(request.threads ?? session.vault.budget.threads) { [self] _ in
            let worker = BackupWorker(self)
            worker.run()
            state.withLock { $0.trace += worker.trace }
        }
        if let error = state.withLock({ $0.error }) { throw error }
        if cancellation.isCancelled {
            try makeDurable()
            try listRuns()
            throw .interruptedByUser
        }
        let disks = try finishDisks()
        try makeDurable()
        try reviewed { review, newest throws(KuraError) in try review.disks(disks, newest) }
        let (point, id) = try commit(disks, time: time)
        var warnings = disks.filter(\.changedWhileRead).map { disk in
            "\(disk.source) changed while it was read; disk \(disk.name) of the recovery point "
                + "may mix states from before and after"
        }
        warnings += session.writeReceipts(of: id, arrival: .backup)
        let (stages, metadataBytes, rewrittenBytes) = state.withLock {
            ($0.trace, $0.metadataBytes, $0.rewrittenBytes)
        }
        let absences =
            session.vault.problems
            + session.writer.failures.sorted { $0.key < $1.key }.map(\.value)
        return BackupReport(
            id: id, point: point, metadataBytes: metadataBytes, rewrittenBytes: rewrittenBytes,
            seconds: Double(Clock.steady() - start) / 1e9,
            warnings: warnings + (absences.isEmpty ? [] : [underReplicated(absences)]),
            stages: stages, replicas: session.writer.live.map(\.ordinal), absences: absences,
            replicaNanoseconds: session.writer.busyNanoseconds)
    }

    /// Whether a review ended the backup. Nothing is left for another session to recover then.
    var isRefused: Bool { state.withLock { $0.isRefused } }

    private func reviewed(
        _ body: (BackupRequest.Review, RecoveryPoint?) throws(KuraError) -> Void
    ) throws(KuraError) {
        guard let review = request.review else { return }
        do throws(KuraError) {
            try body(review, parent?.point)
        } catch {
            state.withLock { $0.isRefused = true }
            throw error
        }
    }

    private func underReplicated(_ reasons: [KuraError]) -> String {
        let vault = session.vault
        return "the recovery point is in \(session.writer.live.count) of \(vault.record.copies) "
            + "replicas: " + reasons.map(\.message).joined(separator: "; ")
            + "; the next backup or replication completes it"
    }

    /// Waits until every pack is durable in every live replica, and lists them.
    private func makeDurable() throws(KuraError) {
        dataPacks.flush()
        manifestPacks.flush()
        session.writer.drain()
        if let error = session.writer.error { throw error }
        try writeRun(onlyIfMany: false)
    }

    private func finishDisks() throws(KuraError) -> [DiskRecord] {
        let worker = BackupWorker(self)
        var records: [DiskRecord] = []
        for (disk, outcome) in zip(request.disks, tasks.outcomes) {
            var counts = outcome.counts
            counts.logicalBytes = outcome.byteCount
            let root = try worker.storeRoot(outcome.nodes, diskBytes: outcome.byteCount)
            records.append(
                DiskRecord(
                    name: disk.name, root: root, counts: counts,
                    changedWhileRead: try disk.source.hasChanged(),
                    source: disk.origin ?? disk.source.name))
        }
        try worker.flush()
        return records
    }

    private func commit(
        _ disks: [DiskRecord], time: Int64
    ) throws(KuraError) -> (RecoveryPoint, RecoveryPointID) {
        let consistency = request.confirmConsistency?() ?? request.consistency
        let (runs, storedBytes) = state.withLock { ($0.runs, $0.storedBytes) }
        func point(after sequence: UInt64) throws(KuraError) -> (RecoveryPoint, [UInt8]) {
            let point = RecoveryPoint(
                vault: session.vault.id, item: request.item, sequence: sequence + 1, time: time,
                consistency: consistency, parent: parent?.id, storedBytes: storedBytes,
                tags: request.tags, disks: disks, runs: runs)
            let bytes = point.encoded()
            let (decoded, _) = try withKuraErrors { try RecoveryPoint.decode(bytes) }
            precondition(decoded == point, "a recovery point reads back as it was written")
            return (point, bytes)
        }
        // Packs that were there when the backup began may have been lost since.
        try session.vault.require(relied, in: session.writer, remedy: .retry())
        if let log = session.log { return try commit(disks, to: log, point) }
        let (made, bytes) = try point(after: parent?.point.sequence ?? 0)
        let (_, id) = try withKuraErrors { try RecoveryPoint.decode(bytes) }
        try session.withCommitLock { () throws(KuraError) in
            try session.resurrect(disks, index)
            try session.writer.publish(bytes, as: .point(id))
        }
        return (made, id)
    }

    /// Commits the point with the runs that are not listed yet, as one record.
    private func commit(
        _ disks: [DiskRecord], to log: VaultLog<VaultState>,
        _ point: (UInt64) throws(KuraError) -> (RecoveryPoint, [UInt8])
    ) throws(KuraError) -> (RecoveryPoint, RecoveryPointID) {
        let (index, unlisted) = state.withLock { ($0.index, $0.unlisted) }
        var made: (RecoveryPoint, RecoveryPointID)?
        try session.commit(log, addsObjects: true) { state throws(KuraError) in
            // Another home may have made a point of the item meanwhile.
            let newest = try state.newestPoint(of: request.item)?.sequence ?? 0
            let (next, bytes) = try point(newest)
            let body = try withKuraErrors { try PointBody(bytes: bytes) }
            made = (next, body.id)
            let kept = try session.relist(disks, index, besides: unlisted, in: state)
            let runs = unlisted + kept.runs
            return (runs.isEmpty ? [] : [.runs(RunsBody(listing: runs))])
                + (kept.spared.isEmpty ? [] : [.spare(SpareBody(packs: kept.spared))])
                + [.point(body)]
        }
        guard let made else { preconditionFailure("a commit that returns made the point") }
        return made
    }
}

extension Vault {
    /// Backs up the disks of one item and returns the new recovery point.
    ///
    /// On return the recovery point is durable in every replica that the report names: all of them,
    /// or at least `requiredCopies` where others are away or failed. Call `mergeRuns` after it has
    /// been reported. After an error, or when `cancellation` stops it, no point was acknowledged,
    /// and the next backup uses what was stored.
    public func backup(
        _ request: BackupRequest, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> BackupReport {
        try request.check()
        try requireWritable()
        let session = try Session.begin(
            self, operation: "backup", scope: .item(request.item), required: requiredCopies,
            waits: waits.until(cancellation))
        var clean = false
        defer { session.end(clean: clean) }
        try session.recover(Progress(), cancellation)
        let (index, healed) = try dependableIndex(for: session.writer)
        let backup = try Backup(
            request, in: session, index: index, progress: progress,
            cancellation: cancellation)
        do throws(KuraError) {
            var report = try backup.run()
            report.healed = healed
            session.keepReserve()
            clean = session.writer.error == nil
            return report
        } catch {
            clean = error.code == .interrupted || backup.isRefused
            throw error
        }
    }
}

extension BackupRequest {
    func check() throws(KuraError) {
        try Name.checkItem(item)
        guard tags.count <= Limits.tagsMax,
            tags.allSatisfy({ $0.utf8.count <= Limits.nameBytesMax })
        else { throw KuraError(.invalidInput, "\(tags.count) tags, or one that is too long") }
        guard 1...Limits.disksMax ~= disks.count else {
            throw KuraError(
                .invalidInput, "\(disks.count) disks: 1 to \(Limits.disksMax) make an item")
        }
        for disk in disks {
            try Name.check(disk.name, what: "a disk")
            if let byteCount = disk.source.knownByteCount, byteCount > Limits.diskBytesMax {
                throw KuraError(
                    .invalidInput, "\(disk.source.name) is larger than any disk may be")
            }
        }
        guard Set(disks.map(\.name)).count == disks.count else {
            throw KuraError(
                .invalidInput, "two disks have the same name",
                remedy: .advice(
                    "rename one of the image files, or back them up as different items"))
        }
    }
}
