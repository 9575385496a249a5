internal import FoundationEssentials
internal import GRDB
package import KuraIO
package import KuraMachines

extension Catalog {
    /// Every machine of the last discovery, by region, cloud service and name.
    package func machines() throws(KuraError) -> [VirtualMachine] {
        let documents = try read {
            try String.fetchAll(
                $0, sql: "SELECT document FROM machine ORDER BY region, cloud_service, name")
        }
        return documents.compactMap { document in
            do {
                return try JSONDecoder().decode(VirtualMachine.self, from: Data(document.utf8))
            } catch {
                // Written by another version; the next discovery writes it anew.
                return nil
            }
        }
    }

    package func replaceMachines(
        removing: [MachineKey], with machines: [VirtualMachine], at time: Int64
    ) throws(KuraError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write { database in
            for key in removing {
                try database.execute(
                    sql: "DELETE FROM machine WHERE region = ? AND cloud_service = ? AND name = ?",
                    arguments: [key.region, key.cloudService, key.name])
            }
            for machine in machines {
                let document = String(decoding: try encoder.encode(machine), as: UTF8.self)
                try database.execute(
                    sql: """
                        INSERT OR REPLACE INTO machine (region, cloud_service, name, document, seen)
                        VALUES (?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        machine.region, machine.cloudService, machine.name, document, time,
                    ])
            }
        }
    }
}
