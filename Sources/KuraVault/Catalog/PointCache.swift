internal import FoundationEssentials
internal import GRDB
package import KuraFormat
package import KuraIO
package import KuraStore

/// A recovery point that is known to have been there, and that no replica has.
package struct MissingPoint: Sendable {
    package var id: RecoveryPointID
    /// Nil where only a receipt is left of it.
    package var item: String?

    /// For messages.
    var text: String { item.map { "\(id.short) of \($0)" } ?? id.short }
}

/// How many points an item has.
package struct PointCount: Sendable {
    package var points: Int
    /// Of the newest by its time, in nanoseconds since 1970.
    package var newest: Int64
}

extension Catalog {
    /// Every recovery point of a vault, newest first, as `Vault.recoveryPoints()` has them; only
    /// those that the catalog does not know are read from the region.
    func recoveryPoints(
        of vault: Vault, item: String? = nil, listed: Set<RecoveryPointID>? = nil
    ) throws(KuraError) -> [(id: RecoveryPointID, point: RecoveryPoint)] {
        // They come newest first, which is nearly always the order already.
        try mapPoints(of: vault, item: item, listed: listed) { (id: $0, point: $1) }
            .sorted { Vault.isNewer($0, $1) }
    }

    /// What `transform` makes of each recovery point, newest by time first. `pointsParsedAtOnce`
    /// are in memory at a time, or `pointsAtOnce` of those that the catalog does not know yet.
    /// - Parameters:
    ///   - item: only this item's.
    ///   - listed: names of all points of the vault, where the caller has just listed them.
    package func mapPoints<T>(
        of vault: Vault, item: String? = nil, listed: Set<RecoveryPointID>? = nil,
        progress: Progress = Progress(), _ transform: (RecoveryPointID, RecoveryPoint) -> T
    ) throws(KuraError) -> [T] {
        let expected = try refreshPoints(of: vault, listed: listed, progress: progress)
        var results: [T] = []
        if item == nil { results.reserveCapacity(expected.count) }
        var broken: [RecoveryPointID] = []
        var part: [(id: RecoveryPointID, bytes: Data)] = []
        let threads = vault.region.budget.threads
        func takePart() {
            for (entry, point) in zip(part, Self.parse(part, threads: threads)) {
                if let point {
                    results.append(transform(entry.id, point))
                } else {
                    broken.append(entry.id)
                }
            }
            part.removeAll(keepingCapacity: true)
        }
        try read { database in
            var sql = "SELECT bytes, id FROM point WHERE vault = ? AND missing = 0"
            var arguments: StatementArguments = [vault.id.hex]
            if let item {
                sql += " AND item = ?"
                arguments += [item]
            }
            let rows = try Row.fetchCursor(
                database, sql: sql + " ORDER BY time DESC", arguments: arguments)
            while let row = try rows.next() {
                guard let id = Self.identifier(row[1] as Data) else { continue }
                part.append((id, row[0] as Data))
                if part.count == Self.pointsParsedAtOnce { takePart() }
            }
        }
        takePart()
        // What cannot be parsed was damaged in the catalog; the region has it still.
        results += try vault.recoveryPoints(broken).map(transform)
        return results
    }

    /// Points of each item, without reading any that is known.
    package func pointCounts(of vault: Vault) throws(KuraError) -> [String: PointCount] {
        try refreshPoints(of: vault)
        return try read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT item, count(*), max(time) FROM point WHERE vault = ? AND missing = 0
                    GROUP BY item
                    """,
                arguments: [vault.id.hex])
            var counts: [String: PointCount] = [:]
            while let row = try rows.next() {
                counts[row[0]] = PointCount(points: row[1], newest: row[2])
            }
            return counts
        }
    }

    /// The time of each item's newest point, of those that are not later than `time`, likewise.
    package func newestPoints(
        of vault: Vault, atOrBefore time: Int64
    ) throws(KuraError) -> [String: Int64] {
        try refreshPoints(of: vault)
        return try read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT item, max(time) FROM point
                    WHERE vault = ? AND missing = 0 AND time <= ? GROUP BY item
                    """, arguments: [vault.id.hex, time])
            var newest: [String: Int64] = [:]
            while let row = try rows.next() { newest[row[0]] = row[1] }
            return newest
        }
    }

    /// Points that are read from a region, and entered, at once.
    private static let pointsAtOnce = 8192

    /// Reads from the region what the catalog does not know, forgets what was dropped, and enters
    /// what is missing.
    /// - Returns: names of all points of the vault.
    @discardableResult
    package func refreshPoints(
        of vault: Vault, listed: Set<RecoveryPointID>? = nil, progress: Progress = Progress()
    ) throws(KuraError) -> Set<RecoveryPointID> {
        let listed = if let listed { listed } else { Set(try vault.recoveryPointIDs()) }
        var missing = listed
        var gone: [RecoveryPointID: Bool] = [:]
        var found: [RecoveryPointID] = []
        try read { database in
            let rows = try Row.fetchCursor(
                database, sql: "SELECT id, missing FROM point WHERE vault = ?",
                arguments: [vault.id.hex])
            while let row = try rows.next() {
                guard let id = Self.identifier(row[0] as Data) else { continue }
                let wasMissing: Bool = row[1]
                if missing.remove(id) == nil {
                    gone[id] = wasMissing
                } else if wasMissing {
                    found.append(id)
                }
            }
        }
        progress.update { $0.totalBytes += UInt64(missing.count) }
        let rest = Array(missing)
        for start in stride(from: 0, to: rest.count, by: Self.pointsAtOnce) {
            let part = rest[start..<min(start + Self.pointsAtOnce, rest.count)]
            try insert(vault.recoveryPoints(part), vault)
            progress.update { $0.doneBytes += UInt64(part.count) }
        }
        if !found.isEmpty { try mark(found, missing: false, vault) }
        if !gone.isEmpty { try settle(gone, vault) }
        return listed
    }

    /// Forgets points that were dropped, and marks the others as missing.
    /// - Parameter gone: points that no replica has, each with whether it is marked already.
    private func settle(
        _ gone: [RecoveryPointID: Bool], _ vault: Vault
    ) throws(KuraError) {
        // Asked after the points were listed: one that was dropped meanwhile is among them.
        let dropped = try vault.droppedPoints()
        let forgotten = gone.keys.filter(dropped.contains)
        if !forgotten.isEmpty { try forget(Array(forgotten), vault) }
        let missing = gone.filter { !$0.value && !dropped.contains($0.key) }.map(\.key)
        if !missing.isEmpty { try mark(missing, missing: true, vault) }
    }

    private func mark(
        _ ids: [RecoveryPointID], missing: Bool, _ vault: Vault
    ) throws(KuraError) {
        try write { database in
            let statement = try database.makeStatement(
                sql: "UPDATE point SET missing = ? WHERE vault = ? AND id = ?")
            for id in ids {
                try statement.execute(arguments: [missing, vault.id.hex, Self.data(id)])
            }
        }
    }

    /// Points that the catalog has read before, or that a receipt names, and that no replica has,
    /// although they were not dropped: newest first, then those of receipts.
    package func missingPoints(of vault: Vault) throws(KuraError) -> [MissingPoint] {
        // In this order: a point is published before its receipts.
        var receipted = try vault.pointsWithReceipt()
        receipted.subtract(try refreshPoints(of: vault))
        var found = try rememberedMissingPoints(of: vault)
        receipted.subtract(found.map(\.id))
        if !receipted.isEmpty { receipted.subtract(try vault.droppedPoints()) }
        found += receipted.sorted().map { MissingPoint(id: $0) }
        return found
    }

    private func rememberedMissingPoints(
        of vault: Vault
    ) throws(KuraError) -> [MissingPoint] {
        try read { database in
            var found: [MissingPoint] = []
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT id, item FROM point WHERE vault = ? AND missing = 1 ORDER BY time DESC
                    """, arguments: [vault.id.hex])
            while let row = try rows.next() {
                guard let id = Self.identifier(row[0] as Data) else { continue }
                found.append(MissingPoint(id: id, item: row[1]))
            }
            return found
        }
    }

    private static func identifier(_ data: Data) -> RecoveryPointID? {
        guard data.count == Digest.byteCount else { return nil }
        return data.withUnsafeBytes { $0.baseAddress.map(Digest.init(loadingFrom:)) }
    }

    private static let pointsParsedAtOnce = 512
    /// From as many on, threads are worth their making.
    private static let pointsParsedByThreadsMin = 64

    /// The points of these rows, by several threads: what a long list costs is checking their
    /// seals.
    private static func parse(
        _ rows: [(id: RecoveryPointID, bytes: Data)], threads most: Int
    ) -> [RecoveryPoint?] {
        let threads = rows.count < pointsParsedByThreadsMin ? 1 : most
        let share = (rows.count + threads - 1) / threads
        return Threads.map(threads) { number in
            rows.dropFirst(number * share).prefix(share).map { parse($0.bytes, $0.id) }
        }.flatMap(\.self)
    }

    private static func parse(_ data: Data, _ id: RecoveryPointID) -> RecoveryPoint? {
        do throws(FormatError) {
            let (point, seal) = try RecoveryPoint.decode(Array(data))
            return seal == id ? point : nil
        } catch {
            return nil
        }
    }

    private static func data(_ id: RecoveryPointID) -> Data {
        var data = Data(count: Digest.byteCount)
        data.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { id.store(to: start) }
        }
        return data
    }

    private func insert(
        _ points: [(id: RecoveryPointID, point: RecoveryPoint)], _ vault: Vault
    ) throws(KuraError) {
        try write { database in
            let statement = try database.makeStatement(
                sql: """
                    INSERT OR REPLACE INTO point (vault, time, id, item, bytes)
                    VALUES (?, ?, ?, ?, ?)
                    """)
            for (id, point) in points {
                try statement.execute(
                    arguments: [
                        vault.id.hex, point.time, Self.data(id), point.item,
                        Data(point.encoded()),
                    ])
            }
        }
    }

    /// Forgets points that are in no replica of a vault: a user accepted their loss.
    package func acceptMissing(in vault: Vault) throws(KuraError) {
        try refreshPoints(of: vault)
        try forget(rememberedMissingPoints(of: vault).map(\.id), vault)
    }

    private func forget(_ ids: [RecoveryPointID], _ vault: Vault) throws(KuraError) {
        try write { database in
            let statement = try database.makeStatement(
                sql: "DELETE FROM point WHERE vault = ? AND id = ?")
            for id in ids { try statement.execute(arguments: [vault.id.hex, Self.data(id)]) }
        }
    }

    /// Forgets what was copied from a vault that is gone.
    package func forget(_ vault: Vault) throws(KuraError) {
        try write { database in
            for table in ["point", "journal", "schedule"] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE vault = ?", arguments: [vault.id.hex])
            }
            try database.execute(
                sql: "DELETE FROM vault WHERE id = ?", arguments: [vault.id.hex])
        }
    }
}
