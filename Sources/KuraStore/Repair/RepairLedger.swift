public import KuraFormat
internal import KuraIO

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
    public func repairs() throws(StoreError) -> [RepairRecord] {
        var records: [(id: RepairID, record: RepairRecord)] = []
        for name in try listIfPresent(Layout.repairs).keys {
            guard let id = RepairID(hex: name) else { continue }
            do throws(StoreError) {
                let record = try read(.repair(id), max: SealedRecord.byteCountMax) { bytes, _ in
                    try FileCheck.check(bytes, .repair(id), self)
                    return try RepairRecord.decode(bytes).record
                }
                records.append((id, record))
            } catch {
                guard error.code == .damaged || error.code == .notFound else { throw error }
            }
        }
        return records.sorted { ($0.record.time, $0.id) > ($1.record.time, $1.id) }.map(\.record)
    }

    /// Adds a ledger up, one counter for each replica of the vault.
    /// - Parameter since: repairs before this time are left out, in nanoseconds since 1970.
    public func counters(_ ledger: [RepairRecord], since: Int64 = .min) -> [RepairCounter] {
        (0..<Int(record.copies)).map { ordinal in
            var counter = RepairCounter(replica: ordinal)
            for record in ledger
            where Int(record.replica) == ordinal && record.region == region.id
                && record.time >= since
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
