internal import FoundationEssentials
internal import GRDB
internal import KuraFormat
internal import KuraIO
internal import KuraStore

extension Catalog {
    /// Every recovery point of a vault, newest first, as `Vault.recoveryPoints()` has them; only
    /// those that the catalog does not know are read from the region.
    func recoveryPoints(
        of vault: Vault, listed: [RecoveryPointID]? = nil
    ) throws(StoreError) -> [(id: RecoveryPointID, point: RecoveryPoint)] {
        // They come newest first, which is nearly always the order already.
        let points = try mapPoints(of: vault, listed: listed) { (id: $0, point: $1) }
        return points.sorted { Vault.isNewer($0, $1) }
    }

    /// What `transform` makes of each recovery point, those that the catalog knows first, newest
    /// first. One point is in memory at a time,
    /// or `pointsAtOnce` of those that the catalog does not know yet.
    /// - Parameter listed: names of all points of the vault, where the caller has just listed them.
    func mapPoints<T>(
        of vault: Vault, listed names: [RecoveryPointID]? = nil, progress: Progress = Progress(),
        _ transform: (RecoveryPointID, RecoveryPoint) -> T
    ) throws(StoreError) -> [T] {
        let listed = if let names { Set(names) } else { Set(try vault.recoveryPointIDs()) }
        var missing = listed
        var results: [T] = []
        results.reserveCapacity(listed.count)
        try read { database in
            let rows = try Row.fetchCursor(
                database, sql: "SELECT bytes FROM point WHERE vault = ? ORDER BY time DESC",
                arguments: [vault.id.hex])
            while let row = try rows.next() {
                let bytes = Array(row[0] as Data)
                // What cannot be parsed was damaged in the catalog; the region has it still.
                guard let (point, id) = Self.parse(bytes), missing.remove(id) != nil else { continue }
                results.append(transform(id, point))
            }
        }
        let known = listed.count - missing.count
        progress.update { $0.totalBytes += UInt64(missing.count) }
        let rest = Array(missing)
        for start in stride(from: 0, to: rest.count, by: Self.pointsAtOnce) {
            let part = rest[start..<min(start + Self.pointsAtOnce, rest.count)]
            let read = try vault.recoveryPoints(part)
            try insert(read, vault)
            results += read.map(transform)
            progress.update { $0.doneBytes += UInt64(part.count) }
        }
        try forgetPoints(of: vault, but: listed, counted: known)
        return results
    }

    /// Points that are read from a region, and entered, at once.
    private static let pointsAtOnce = 8192

    private static func parse(_ bytes: [UInt8]) -> (RecoveryPoint, RecoveryPointID)? {
        do throws(FormatError) {
            let (point, id) = try RecoveryPoint.decode(bytes)
            return (point, id)
        } catch {
            return nil
        }
    }

    private func insert(
        _ points: [(id: RecoveryPointID, point: RecoveryPoint)], _ vault: Vault
    ) throws(StoreError) {
        try write { database in
            let statement = try database.makeStatement(
                sql: "INSERT OR REPLACE INTO point (vault, time, id, bytes) VALUES (?, ?, ?, ?)")
            for (id, point) in points {
                try statement.execute(
                    arguments: [vault.id.hex, point.time, id.hex, Data(point.encoded())])
            }
        }
    }

    /// Removes points that the region has no more.
    private func forgetPoints(
        of vault: Vault, but listed: Set<RecoveryPointID>, counted: Int
    ) throws(StoreError) {
        let arguments: StatementArguments = [vault.id.hex]
        let held = try read {
            try Int.fetchOne(
                $0, sql: "SELECT count(*) FROM point WHERE vault = ?", arguments: arguments) ?? 0
        }
        guard held > listed.count || held > counted else { return }
        try write { database in
            let names = try String.fetchAll(
                database, sql: "SELECT id FROM point WHERE vault = ?", arguments: arguments)
            for name in names {
                if let id = Digest(hex: name), listed.contains(id) { continue }
                try database.execute(
                    sql: "DELETE FROM point WHERE vault = ? AND id = ?",
                    arguments: [vault.id.hex, name])
            }
        }
    }

    // MARK: The journal

    /// Entries of a vault's journal, oldest first.
    func journal(
        of vault: Vault
    ) throws(StoreError) -> [(id: JournalID, entry: JournalEntry)] {
        var entries: [(id: JournalID, entry: JournalEntry)] = []
        try read { database in
            let rows = try Row.fetchCursor(
                database, sql: "SELECT bytes FROM journal WHERE vault = ?",
                arguments: [vault.id.hex])
            while let row = try rows.next() {
                let bytes = Array(row[0] as Data)
                do throws(FormatError) {
                    let (entry, id) = try JournalEntry.decode(bytes)
                    entries.append((id, entry))
                } catch {
                    continue
                }
            }
        }
        let new = try vault.journal(after: Set(entries.map(\.id)))
        guard !new.isEmpty else { return entries.sorted(by: Self.isOlder) }
        try write { database in
            for (id, entry) in new {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO journal (vault, id, bytes) VALUES (?, ?, ?)",
                    arguments: [vault.id.hex, id.hex, Data(entry.encoded())])
            }
        }
        return (entries + new).sorted(by: Self.isOlder)
    }

    private static func isOlder(
        _ left: (id: JournalID, entry: JournalEntry), _ right: (id: JournalID, entry: JournalEntry)
    ) -> Bool {
        left.entry.precedes(right.entry, left.id, right.id)
    }
}
