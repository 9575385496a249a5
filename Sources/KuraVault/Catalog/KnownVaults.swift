internal import FoundationEssentials
internal import GRDB
package import KuraFormat
package import KuraIO

extension Catalog {
    /// Enters records of vaults that regions hold. Writes only what is new.
    package func remember(vaults records: [VaultRecord]) throws(KuraError) {
        let known = try rememberedVaults()
        let new = records.filter { !known.contains($0) }
        guard !new.isEmpty else { return }
        try write { database in
            for record in new {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO vault (id, record) VALUES (?, ?)",
                    arguments: [record.id.hex, Data(record.encoded())])
            }
        }
    }

    /// The last records that were seen, of vaults that are in a region or were.
    package func rememberedVaults() throws(KuraError) -> [VaultRecord] {
        let rows = try read { try Data.fetchAll($0, sql: "SELECT record FROM vault ORDER BY id") }
        return rows.compactMap { bytes in
            do throws(FormatError) {
                return try VaultRecord.decode(Array(bytes))
            } catch {
                return nil
            }
        }
    }
}
