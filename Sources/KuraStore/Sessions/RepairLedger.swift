public import KuraFormat
public import KuraIO
internal import KuraReplicas

/// What one replica directory needed in repairs.
public struct RepairCounter: Sendable, Equatable {
    public var replica: Int
    public var repairs = 0
    /// Of `repairs`, files that were not there: a replica that was away is no bad disk.
    public var missing = 0
    public var bytes: UInt64 = 0
    /// Nanoseconds since 1970; nil when there was none.
    public var last: Int64?

    public init(replica: Int) { self.replica = replica }
}

extension Vault {
    /// Every line of the repair ledger, newest first. Lines of which no replica has a good copy are
    /// left out; their damage is noted.
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

    /// Whether a repair found that a file lacks something that no replica holds: a pack that was
    /// salvaged, or a recovery point that needs what is lost.
    func isGivenUp(_ file: VaultFile) throws(KuraError) -> Bool {
        try givenUp().contains(file.relativePath)
    }

    /// Paths, below the vault's directory, of all such files.
    func givenUp() throws(KuraError) -> Set<String> {
        Set(try repairs().lazy.filter { $0.source == .salvaged }.map(\.path))
    }

    /// Those of some recovery points that a repair gave up.
    func givenUp(
        of points: some Collection<RecoveryPointID>
    ) throws(KuraError) -> [RecoveryPointID] {
        let paths = try givenUp()
        return points.filter { paths.contains(VaultFile.point($0).relativePath) }
    }

    /// Adds a ledger up, one counter for each replica of the vault.
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
    /// Adds a line to the ledger of every replica.
    func log(
        _ file: VaultFile, in replica: Replica, _ kind: DamageKind, from source: RepairSource,
        byteCount: UInt64
    ) {
        do throws(KuraError) {
            try publishLine(
                file, in: replica.ordinal, kind, from: source, byteCount: byteCount)
        } catch {
            // The file is healed all the same; that no replica can be written shows elsewhere.
            return
        }
    }

    /// Writes down which recovery points lack something, so that no backup takes one of them for
    /// its parent: what is not read anew would be missing from the new point, too.
    func giveUp(_ points: [VaultFile]) throws(KuraError) {
        let known = try vault.givenUp()
        for point in points where !known.contains(point.relativePath) {
            // No copy of the point is wrong; the first replica stands for all.
            try publishLine(point, in: 0, .dangling, from: .salvaged, byteCount: 0)
        }
    }

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
