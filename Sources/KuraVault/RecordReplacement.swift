package import KuraFormat
package import KuraIO
package import KuraStore

extension Subscription {
    /// Replaces a vault's record in one region, under the vault's own lock. Throws where
    /// another process replaced it first.
    package func replace(
        _ known: VaultRecord, by record: VaultRecord, in region: Region, operation: String
    ) throws(KuraError) {
        let intake = try Intake(into: Vault(region: region, record: known), operation: operation)
        var clean = false
        defer { intake.end(clean: clean) }
        snapshot?.forgetRecords()
        try intake.publish(record)
        clean = true
    }
}
