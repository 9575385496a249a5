package import KuraFormat
package import KuraIO
package import KuraReplicas

/// A session that writes files which come from the paired region.
///
/// It holds the lease of the vault as a whole (`LeaseScope.vault`), so there is one at a time.
/// Replacing the vault's record takes the same lease. Call `end` at the end, also after an error.
package final class Intake: Sendable {
    package let vault: Vault
    private let session: Session
    /// Whether every replica had the vault's record when the session began.
    package let holdsRecord: Bool

    /// Begins a session in a vault that this region may not have yet. Its replicas catch up with
    /// each other first, so that a file comes from the paired region only where no replica here has
    /// it.
    ///
    /// Throws `locked` where a replica's record is newer than the vault's, or another one of the
    /// same revision: it was replaced since the caller read it.
    /// - Parameters:
    ///   - operation: its name, such as "replicate".
    ///   - cancellation: nil for the one that the vault was opened with.
    package init(
        into vault: Vault, operation: String, cancellation: Cancellation? = nil
    ) throws(KuraError) {
        let cancellation = cancellation ?? vault.waits.cancellation
        try vault.requireWritable()
        self.vault = vault
        session = try Session.begin(
            vault, operation: operation, scope: .vault, required: vault.requiredCopies,
            waits: vault.waits.until(cancellation))
        do throws(KuraError) {
            holdsRecord = try Self.requireUnchanged(vault)
            try session.catchUp(
                session.writer.live, everyPack: false, progress: Progress(),
                cancellation: cancellation)
        } catch {
            session.end(clean: true)
            throw error
        }
    }

    /// Publishes a file and returns when it is durable in every live replica. Safe from any thread.
    package func publish(_ bytes: [UInt8], as file: VaultFile) throws(KuraError) {
        try session.writer.publish(bytes, as: file)
    }

    /// Publishes a run and returns when it is durable in every live replica.
    ///
    /// A prune in the other region did not know points that only this one has, and those that its
    /// open sessions are about to commit: what they may need stays listed beside the run. Such
    /// points are made where a backup goes on in a region that was failed back meanwhile.
    /// - Parameters:
    ///   - copy: from the vault in the other region.
    ///   - points: those that the other region has.
    /// - Throws: `notFound` where the copy was removed since it was read.
    package func publish(
        _ copy: SoundCopy, run id: RunID, knowing points: Set<RecoveryPointID>
    ) throws(KuraError) {
        let stream = ReplicaStream(to: session.writer)
        do throws(KuraError) {
            let trailer = try withKuraErrors {
                do {
                    try copy.forEachPiece { try stream.append($0) }
                    return try copy.trailer(ofRun: id)
                } catch let error as IOError where error.isNotFound {
                    throw KuraError(
                        .notFound, "index run \(id.short) was removed meanwhile", cause: error)
                }
            }
            try stream.complete()
            // So that no point is committed between the look at the points and the run.
            try session.withCommitLock { () throws(KuraError) in
                try keepEntries(besides: trailer, knowing: points)
                try stream.publish(as: .run(id))
            }
        } catch {
            stream.abandon()
            throw error
        }
    }

    /// Publishes the entries of runs once more that a run is about to supersede without listing all
    /// of their packs. Does nothing where the other region knew everything that may need them.
    private func keepEntries(
        besides trailer: IndexRunTrailer, knowing points: Set<RecoveryPointID>
    ) throws(KuraError) {
        guard !trailer.superseded.isEmpty else { return }
        let (superseded, packs) = (Set(trailer.superseded), Set(trailer.packs.map(\.id)))
        let index = try ChunkIndex.open(vault)
        let losing = index.runs.filter { run in
            superseded.contains(run.id) && !packs.isSuperset(of: run.trailer.packs.map(\.id))
        }
        guard !losing.isEmpty else { return }
        let isWritten = try !vault.openWriters(except: session.id).isEmpty
        let knowsAll = try points.isSuperset(of: vault.recoveryPointIDs())
        if knowsAll, !isWritten { return }
        try IndexMerge(index, session.writer).keepEntries(of: losing)
    }

    /// Publishes a recovery point, then its receipts. Everything that the point needs must be
    /// durable before.
    /// - Returns: a warning for each receipt that could not be written.
    package func publish(
        _ bytes: [UInt8], point id: RecoveryPointID, arrival: Arrival
    ) throws(KuraError) -> [String] {
        try session.writer.publish(bytes, as: .point(id))
        return session.writeReceipts(of: id, arrival: arrival)
    }

    /// Replaces the vault's record, unless every replica has it already. If power fails in between,
    /// replicas differ, and the highest revision counts.
    /// - Parameter record: the vault's own, or one of a higher revision.
    package func publish(_ record: VaultRecord) throws(KuraError) {
        precondition(record.revision > vault.record.revision || record == vault.record)
        if record == vault.record, holdsRecord { return }
        try session.writer.publish(record.encoded(), as: .record)
    }

    /// Throws `locked` where a replica has a record that the vault's may not replace.
    /// - Returns: whether every usable replica has the vault's record; false where a copy is
    ///   missing or damaged, which `publish` replaces.
    private static func requireUnchanged(_ vault: Vault) throws(KuraError) -> Bool {
        let record = vault.record
        var isEverywhere = true
        for replica in vault.replicas {
            guard let known = try vault.recordHeld(by: replica) else {
                isEverywhere = false
                continue
            }
            if known == record { continue }
            isEverywhere = false
            guard known.revision < record.revision else {
                throw KuraError(
                    .locked,
                    "the record of vault \(record.name) in region \(vault.region.name) changed "
                        + "since it was read", remedy: .retry())
            }
        }
        return isEverywhere
    }

    /// Recovers what interrupted sessions left, removes points that were dropped, and writes the
    /// receipts that are missing.
    package func recover() throws(KuraError) {
        try session.recoverInterrupted()
        try vault.completeReceipts(in: session.writer.live, session: session.id)
    }

    /// Ends the session.
    /// - Parameter clean: whether everything was done; else the next session recovers the rest.
    package func end(clean: Bool) {
        session.end(clean: clean)
    }

    /// Lists packs that arrived without their run: the run was left out because another pack in it
    /// has no good copy.
    package func listUnlistedPacks() throws(KuraError) {
        try session.listUnlistedPacks(evenCondemned: true)
    }

    /// Publishes an entry of the journal and returns when it is durable in every live replica.
    package func publish(_ bytes: [UInt8], journal id: JournalID) throws(KuraError) {
        try session.prepare(Layout.journal)
        try session.writer.publish(bytes, as: .journal(id))
    }

    /// Publishes a tombstone and returns when it is durable in every live replica. The file of its
    /// point stays until `recover`.
    package func publish(_ bytes: [UInt8], dropped id: RecoveryPointID) throws(KuraError) {
        try session.prepare(Layout.dropped)
        try session.writer.publish(bytes, as: .dropped(id))
    }
}

/// Tells whether the runs of a vault list everything that recovery points need. Used by one thread;
/// a node that several points share is followed once.
package final class Completeness {
    private let walker: PointWalker

    package init(of vault: Vault) throws(KuraError) {
        walker = PointWalker(try ChunkIndex.open(vault))
    }

    /// Throws `damaged` at the first node or chunk that is in no pack.
    package func require(_ point: RecoveryPoint) throws(KuraError) {
        try walker.walk(point)
    }
}

extension Vault {
    /// Whether `Intake.recover` has anything to do in this region.
    package func needsRecovery() throws(KuraError) -> Bool {
        if !interruptedSessions().isEmpty { return true }
        return try pointsWithoutReceipt(in: replicas).contains { !$0.points.isEmpty }
    }
}
