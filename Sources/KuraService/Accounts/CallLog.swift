internal import GRDB
package import KuraIO
package import KuraPortal

/// What the server was asked to change, and what it denied: who, from where, with what result.
package final class CallLog: Sendable {
    private static let daysMax: Int64 = 180
    private static let nanosecondsADay: Int64 = 86_400_000_000_000

    private let database: ServerDatabase
    private let clock: WallClock

    package init(_ database: ServerDatabase, clock: WallClock = .system) {
        self.database = database
        self.clock = clock
    }

    package func enter(
        account: String, source: String, request: String, status: Int, note: String
    ) throws(KuraError) {
        let time = clock.now()
        try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO call (time, account, source, request, status, note)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    time, String(account.prefix(100)), String(source.prefix(100)),
                    String(request.prefix(500)), status, String(note.prefix(500)),
                ])
            try database.execute(
                sql: "DELETE FROM call WHERE time < ?",
                arguments: [time - Self.daysMax * Self.nanosecondsADay])
        }
    }

    /// Newest first.
    package func newest(_ count: Int) throws(KuraError) -> [AuditView] {
        try database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM call ORDER BY id DESC LIMIT ?", arguments: [count]
            ).map { row in
                var entry = AuditView()
                entry.time = row["time"]
                entry.who = row["account"]
                entry.source = row["source"]
                entry.what = row["request"]
                let (status, note): (Int, String) = (row["status"], row["note"])
                entry.note = note.isEmpty ? "\(status)" : "\(status) \(note)"
                return entry
            }
        }
    }
}
