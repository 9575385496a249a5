public import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import Synchronization

/// One copy of a recovery point, as its replica has it.
public struct PointCopy: Sendable {
    public enum State: String, Sendable {
        case here
        case missing
        /// The replica cannot be used now.
        case unreachable
    }

    public var region: String
    /// 0, 1 or 2.
    public var ordinal: Int
    /// Where the replica is, for people.
    public var place: String
    public var state: State
    /// Nil unless the copy is here and has a good receipt.
    public var receipt: DurabilityReceipt?
    /// When everything that the point needs was last read in full here and found good, in
    /// nanoseconds since 1970; nil for never, and where it was not looked up.
    public var lastFullRead: Int64?
}

extension Vault {
    /// One value for each replica of the vault in this region, by ordinal, also where a replica is
    /// away or does not hold the point.
    public func copies(of point: RecoveryPointID) -> [PointCopy] {
        let held = hasLog ? holders(of: point) : []
        return region.replicas.prefix(Int(record.copies)).map { replica in
            var copy = PointCopy(
                region: region.name, ordinal: replica.ordinal, place: replica.place,
                state: .unreachable, receipt: nil, lastFullRead: nil)
            guard region.problems[replica.ordinal] == nil else { return copy }
            if hasLog {
                copy.state = held.contains(replica.ordinal) ? .here : .missing
                return copy
            }
            do throws(IOError) {
                let name = VaultFile.point(point).name(in: id)
                copy.state = try replica.store.exists(name) ? .here : .missing
            } catch {
                return copy
            }
            if copy.state == .here { copy.receipt = receipt(of: point, in: replica) }
            return copy
        }
    }

    /// Ordinals of the replicas that are whole to the record of a point; none where that cannot be
    /// read.
    private func holders(of point: RecoveryPointID) -> [Int] {
        do throws(KuraError) {
            return try pointHolders()[point] ?? []
        } catch {
            return []
        }
    }

    /// The receipt of a point in a replica; nil where there is none that is good and of this
    /// replica.
    private func receipt(of point: RecoveryPointID, in replica: Replica) -> DurabilityReceipt? {
        do {
            let receipt = try DurabilityReceipt.decode(
                replica.store.contents(
                    VaultFile.receipt(point).name(in: id), max: SealedRecord.byteCountMax))
            guard receipt.vault == id, receipt.point == point, receipt.region == region.id,
                Int(receipt.ordinal) == replica.ordinal
            else { return nil }
            return receipt
        } catch {
            return nil
        }
    }

    /// Writes the receipt of a point, durably, in those of `replicas` that hold the point and have
    /// no receipt of it yet.
    ///
    /// If power fails before, the point is durable without a receipt, and the next replication
    /// writes one of arrival `found`.
    ///
    /// - Parameter session: owner of the drafts, so that a later session can remove them.
    /// - Returns: the errors; the point itself is not affected.
    func writeReceipts(
        of point: RecoveryPointID, in replicas: [Replica], arrival: Arrival, session: UniqueID
    ) -> [KuraError] {
        // The mark of a replica says to which record it is whole.
        if hasLog { return [] }
        let time = clock.now()
        let failures = Mutex<[KuraError]>([])
        Threads.run(replicas.count) { number in
            let replica = replicas[number]
            do throws(KuraError) {
                try writeReceipt(of: point, in: replica, arrival, time: time, session: session)
            } catch {
                failures.withLock { $0.append(error) }
            }
        }
        return failures.withLock { $0 }
    }

    private func writeReceipt(
        of point: RecoveryPointID, in replica: Replica, _ arrival: Arrival, time: Int64,
        session: UniqueID
    ) throws(KuraError) {
        guard receipt(of: point, in: replica) == nil else { return }
        let held = try withKuraErrors {
            try replica.store.exists(VaultFile.point(point).name(in: id))
        }
        guard held else { return }
        let receipt = DurabilityReceipt(
            vault: id, point: point, region: region.id, ordinal: UInt8(replica.ordinal), time: time,
            arrival: arrival)
        try withKuraErrors {
            let name = VaultFile.receipt(point).name(in: id)
            try replica.store.prepare(name.folder)
            try replica.store.put(name, receipt.encoded(), condition: .replacing, by: session)
        }
    }

    /// Per replica, the points that it holds without a file for their receipt.
    func pointsWithoutReceipt(
        in replicas: [Replica]
    ) throws(KuraError) -> [(replica: Replica, points: [RecoveryPointID])] {
        try withKuraErrors {
            try replicas.map { replica in
                let vault = Layout.vault(id)
                let known = Set(
                    try replica.store.namesIfPresent(in: vault.folder(Layout.receipts)))
                let points = try replica.store.namesIfPresent(in: vault.folder(Layout.points))
                return (
                    replica, points.filter { !known.contains($0) }.compactMap(Digest.init(hex:))
                )
            }
        }
    }

    /// Points that a receipt names, in any replica of this region.
    /// - Complexity: one listing in each replica.
    public func pointsWithReceipt() throws(KuraError) -> Set<RecoveryPointID> {
        Set(try listIfPresent(Layout.receipts).keys.compactMap { RecoveryPointID(hex: $0) })
    }

    /// Writes a receipt for every point that has none, with the time at which the file of the point
    /// was written.
    func completeReceipts(in replicas: [Replica], session: UniqueID) throws(KuraError) {
        for (replica, points) in try pointsWithoutReceipt(in: replicas) {
            for point in points {
                let name = VaultFile.point(point).name(in: id)
                let time = try withKuraErrors { try replica.store.status(name).modified }
                try writeReceipt(of: point, in: replica, .found, time: time, session: session)
            }
        }
    }
}

extension Session {
    /// Writes the receipts of a point that this session made durable.
    /// - Returns: a warning for each replica where that failed, for people.
    func writeReceipts(of point: RecoveryPointID, arrival: Arrival) -> [String] {
        vault.writeReceipts(of: point, in: writer.live, arrival: arrival, session: id).map {
            error in
            "the time when \(point.short) became durable was not written down: "
                + (error.code == .noSpace ? "no space left" : error.message)
        }
    }
}
