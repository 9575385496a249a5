public import KuraFormat
public import KuraIO
internal import KuraStore

/// The repair ledgers of vaults.
public struct RepairListReport: Sendable {
    /// One file that was healed.
    public struct Repair: Sendable {
        public var vault: String
        /// The region's name, or its identifier where it is another one than the vault is read
        /// from.
        public var region: String
        public var record: RepairRecord
    }

    /// What one replica directory needed.
    public struct Counter: Sendable {
        public var vault: String
        public var region: String
        /// 0, 1 or 2.
        public var replica: Int
        public var path: String
        public var repairs: Int
        /// Of `repairs`, files that were not there.
        public var missing: Int
        public var bytes: UInt64
        /// Nanoseconds since 1970; nil when there was none.
        public var last: Int64?
    }

    /// Newest first in each vault.
    public var repairs: [Repair] = []
    public var counters: [Counter] = []
    /// Lines of the ledgers that could not be read from some replica.
    public var damage: [FoundDamage] = []
}

extension Operations {
    /// Reads the repair ledger of a vault.
    /// - Parameter name: nil for all vaults.
    public func repairs(ofVault name: String? = nil) throws(KuraError) -> RepairListReport {
        var report = RepairListReport()
        for vault in try vaults(named: name) {
            let (name, region) = (vault.record.name, vault.region)
            let ledger = try vault.repairs()
            report.repairs += ledger.map { record in
                RepairListReport.Repair(
                    vault: name,
                    region: record.region == region.id ? region.name : record.region.hex,
                    record: record)
            }
            report.counters += vault.counters(ledger).map { counter in
                RepairListReport.Counter(
                    vault: name, region: region.name, replica: counter.replica,
                    path: region.replicas[counter.replica].place, repairs: counter.repairs,
                    missing: counter.missing, bytes: counter.bytes, last: counter.last)
            }
            report.damage += vault.damage.map { FoundDamage($0) }
        }
        return report
    }
}
