package import KuraFormat
package import KuraIO
package import KuraReplicas

/// A session that takes files of a vault from elsewhere: from the paired region.
///
/// It holds the vault's own lock, the item lock of the empty name, which no item can have. So there
/// is one at a time. Replacing the vault's record takes the same lock. Call `end` at the end,
/// whatever happened.
package final class Intake: Sendable {
    package let vault: Vault
    private let session: Session
    /// Whether every replica had the vault's record when the session began.
    package let holdsRecord: Bool

    /// Begins a session in a vault that may not be there yet, and brings its replicas into step, so
    /// that nothing comes from afar that a neighbour has.
    ///
    /// Throws where the region's record is newer than the vault's, or a rival of it: it was
    /// replaced since the caller read it.
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

    /// Publishes a file and returns when it is durable. Safe from several threads.
    package func publish(_ bytes: [UInt8], as file: VaultFile) throws(KuraError) {
        try session.writer.publish(bytes, as: file)
    }

    /// Publishes a run that another vault has a good copy of, and returns when it is durable.
    /// - Throws: `notFound` where the copy was removed meanwhile.
    package func publish(_ copy: SoundCopy, run id: RunID) throws(KuraError) {
        let stream = ReplicaStream(to: session.writer)
        do throws(KuraError) {
            try withKuraErrors {
                do {
                    try copy.forEachPiece { try stream.append($0) }
                } catch let error as IOError where error.isNotFound {
                    throw KuraError(
                        .notFound, "index run \(id.short) was removed meanwhile", cause: error)
                }
            }
            try stream.publish(as: .run(id))
        } catch {
            stream.abandon()
            throw error
        }
    }

    /// Publishes a recovery point that everything it needs is there for, then its receipts.
    /// - Returns: what went wrong with the receipts.
    package func publish(
        _ bytes: [UInt8], point id: RecoveryPointID, arrival: Arrival
    ) throws(KuraError) -> [String] {
        try session.writer.publish(bytes, as: .point(id))
        return session.writeReceipts(of: id, arrival: arrival)
    }

    /// Publishes a record in every replica that has another one. If power fails in between,
    /// replicas differ, and the highest revision counts.
    package func publish(_ record: VaultRecord) throws(KuraError) {
        precondition(record.revision > vault.record.revision || record == vault.record)
        if record == vault.record, holdsRecord { return }
        try session.writer.publish(record.encoded(), as: .record)
    }

    /// - Returns: whether every usable replica has the vault's record. Copies that cannot be read
    ///   are no obstacle: they are what is replaced.
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
                        + "meanwhile", remedy: .retry())
            }
        }
        return isEverywhere
    }

    /// Finishes what sessions left that died, this operation's own earlier ones among them, and
    /// writes the receipts that are missing.
    package func tidy() throws(KuraError) {
        try session.settleInterrupted()
        try vault.completeReceipts(in: session.writer.live, session: session.id)
    }

    /// - Parameter clean: whether everything was done; otherwise the next session tidies up.
    package func end(clean: Bool) {
        session.end(clean: clean)
    }

    /// Lists packs whose own run could not be taken, because it lists a damaged one, too.
    package func listUnlistedPacks() throws(KuraError) {
        try session.listUnlistedPacks(evenCondemned: true)
    }

    /// Makes an entry of the journal durable.
    package func publish(_ bytes: [UInt8], journal id: JournalID) throws(KuraError) {
        try session.prepare(Layout.journal)
        try session.writer.publish(bytes, as: .journal(id))
    }

    /// Makes tombstones durable and removes the points that they stand for.
    package func publish(_ bytes: [UInt8], dropped id: RecoveryPointID) throws(KuraError) {
        try session.prepare(Layout.dropped)
        try session.writer.publish(bytes, as: .dropped(id))
    }
}

/// Tells whether everything that recovery points need is listed in a vault's runs. One thread uses
/// it; nodes that points share are looked at once.
package final class Completeness {
    private let walker: PointWalker

    package init(of vault: Vault) throws(KuraError) {
        walker = PointWalker(try ChunkIndex.open(vault))
    }

    /// Throws at the first node or chunk that is in no pack.
    package func require(_ point: RecoveryPoint) throws(KuraError) {
        try walker.walk(point)
    }
}

extension Vault {
    /// Whether replication has anything to tidy in this region.
    package func needsTidying() throws(KuraError) -> Bool {
        if !interruptedSessions().isEmpty { return true }
        return try pointsWithoutReceipt(in: replicas).contains { !$0.points.isEmpty }
    }
}
