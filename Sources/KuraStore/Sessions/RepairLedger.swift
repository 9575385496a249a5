public import KuraFormat
public import KuraIO
internal import KuraLog
internal import KuraReplicas

/// The repairs of one replica, added up.
public struct RepairCounter: Sendable, Equatable {
    public var replica: Int
    public var repairs = 0
    /// Of `repairs`, files that were missing: a replica that was away is no bad disk.
    public var missing = 0
    /// Bytes of the files that were written again.
    public var bytes: UInt64 = 0
    /// Time of the last repair, in nanoseconds since 1970; nil without one.
    public var last: Int64?

    public init(replica: Int) { self.replica = replica }
}

extension Vault {
    /// Every line of the repair ledger, newest first. A line without a good copy is left out and
    /// recorded as damage.
    public func repairs() throws(KuraError) -> [RepairRecord] {
        var records: [(id: RepairID, record: RepairRecord)] = []
        for name in try listIfPresent(Layout.repairs).keys {
            guard let id = RepairID(hex: name) else { continue }
            do throws(KuraError) {
                let record = try read(.repair(id), max: SealedRecord.byteCountMax) { bytes, _ in
                    try VaultFile.repair(id).check(bytes, self.record)
                    return try RepairRecord.decode(bytes).record
                }
                records.append((id, record))
            } catch {
                guard error.code == .damaged || error.code == .notFound else { throw error }
            }
        }
        return records.sorted { ($0.record.time, $0.id) > ($1.record.time, $1.id) }.map(\.record)
    }

    /// Whether a repair recorded a file as given up: a pack that is lost and was salvaged, or a
    /// recovery point that needs what is lost. The point may be whole again since.
    func isGivenUp(_ file: VaultFile) throws(KuraError) -> Bool {
        try givenUp().contains(file.relativePath)
    }

    /// Paths, below the vault's folder, of all files that `isGivenUp`.
    func givenUp() throws(KuraError) -> Set<String> {
        if let state = try state() {
            return Set(try state.lostObjects().map { $0.object.file.relativePath })
        }
        return Set(try repairs().lazy.filter { $0.source == .salvaged }.map(\.path))
    }

    /// Those of `points` that `isGivenUp`.
    func givenUp(
        of points: some Collection<RecoveryPointID>
    ) throws(KuraError) -> [RecoveryPointID] {
        let paths = try givenUp()
        return points.filter { paths.contains(VaultFile.point($0).relativePath) }
    }

    /// Adds up the lines of a ledger that are about this region, one counter for each replica of
    /// the vault. Points that lost data count for no replica.
    /// - Parameter since: repairs before this time are left out, in nanoseconds since 1970.
    public func counters(_ ledger: [RepairRecord], since: Int64 = .min) -> [RepairCounter] {
        (0..<Int(record.copies)).map { ordinal in
            var counter = RepairCounter(replica: ordinal)
            for record in ledger
            where Int(record.replica) == ordinal && record.region == region.id
                && record.time >= since && record.damage != .dangling
            {
                counter.repairs += 1
                if record.damage == .missing { counter.missing += 1 }
                counter.bytes &+= record.byteCount
                counter.last = max(counter.last ?? .min, record.time)
            }
            return counter
        }
    }
}

extension Session {
    /// Adds a line to the ledger, in every live replica. That it cannot be written is no error.
    func log(
        _ file: VaultFile, in replica: Replica, _ kind: DamageKind, from source: RepairSource,
        byteCount: UInt64
    ) {
        do throws(KuraError) {
            try publishLine(
                file, in: replica.ordinal, kind, from: source, byteCount: byteCount)
        } catch {
            // The file is healed all the same; the writer keeps the error.
            return
        }
    }

    /// Records in the ledger which recovery points need what is lost, so that no backup takes one
    /// of them for its parent: a backup does not read again what its parent seems to have, so that
    /// would be missing from the new point, too.
    func giveUp(_ points: [VaultFile]) throws(KuraError) {
        let known = try vault.givenUp()
        for point in points where !known.contains(point.relativePath) {
            // No copy of the point's own file is wrong, so the line names the first replica.
            try publishLine(point, in: 0, .dangling, from: .salvaged, byteCount: 0)
        }
    }

    /// Adds a line to the ledger, durably in every live replica.
    func publishLine(
        _ file: VaultFile, in replica: Int, _ kind: DamageKind, from source: RepairSource,
        byteCount: UInt64
    ) throws(KuraError) {
        let record = RepairRecord(
            vault: vault.id, region: vault.region.id, replica: UInt8(replica),
            time: vault.clock.now(), path: file.relativePath, damage: kind, source: source,
            byteCount: byteCount)
        let bytes = record.encoded()
        let (_, id) = try withKuraErrors { try RepairRecord.decode(bytes) }
        try writer.publish(bytes, as: .repair(id))
    }
}
