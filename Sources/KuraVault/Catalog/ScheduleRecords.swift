internal import GRDB
package import KuraFormat
package import KuraIO
package import KuraPolicy

/// What the scheduler remembers of an item, or of another piece of its work. All times are in
/// nanoseconds since 1970.
package struct ScheduleState: Equatable {
    /// The last run that was begun.
    package var begun: Int64
    /// When the scheduler saw the item first.
    package var first: Int64
    /// The last run that is done: of an item, that has its point.
    package var done: Int64
    /// How often the last run was tried, since it was begun.
    package var attempts = 0
    /// When it was tried last.
    package var tried: Int64 = .min

    /// Work that is done so far.
    package init(begun: Int64, first: Int64) {
        self.begun = begun
        self.first = first
        done = begun
    }

    private static let pauseMin: Int64 = 120_000_000_000
    private static let pauseMax: Int64 = 3_600_000_000_000

    /// From when on a run that failed is tried again: after two minutes, doubled each time, an hour
    /// at most.
    package var nextTry: Int64 {
        // The shift is bounded, because the number comes from a file.
        let doublings = min(max(attempts - 1, 0), 5)
        let (time, overflow) = tried.addingReportingOverflow(
            min(Self.pauseMin << Int64(doublings), Self.pauseMax))
        return overflow ? .max : time
    }

    /// Whether a run that is not done may be tried now.
    package func mayBegin(_ run: Int64, at now: Int64) -> Bool {
        // What was tried at a time that is still to come was recorded under another clock.
        guard begun == run, attempts > 0, tried <= now else { return true }
        return now >= nextTry
    }

    /// The last run of a policy, where it is not done.
    /// - Parameter assigned: when the item got the policy: what was due before was not missed.
    package func openRun(of policy: Policy, assigned: Int64?, at now: Int64) -> Int64? {
        let run = policy.lastRun(atOrBefore: now)
        let since = [done, assigned].compactMap(\.self).filter { $0 <= now }.max()
        return run > since ?? now - Self.unknownMax ? run : nil
    }

    /// How far back a run counts as due where all that is known is from later times.
    private static let unknownMax: Int64 = 3_600_000_000_000
}

extension Catalog {
    /// Nil where the scheduler has not seen the item.
    package func schedule(of item: String, in vault: UniqueID) throws(KuraError) -> ScheduleState? {
        try read { try Self.schedule(of: item, in: vault, $0) }
    }

    private static func schedule(
        of item: String, in vault: UniqueID, _ database: Database
    ) throws -> ScheduleState? {
        try Row.fetchOne(
            database,
            sql: """
                SELECT handled, first, done, attempts, tried FROM schedule
                WHERE vault = ? AND item = ?
                """, arguments: [vault.hex, item]
        ).map { row in
            var state = ScheduleState(begun: row[0], first: row[1])
            state.done = row[2]
            state.attempts = row[3]
            state.tried = row[4]
            return state
        }
    }

    /// Enters an item that the scheduler has not seen; what another process entered stays.
    package func enter(
        _ state: ScheduleState, of item: String, in vault: UniqueID
    ) throws(KuraError) {
        try write {
            try $0.execute(
                sql: """
                    INSERT OR IGNORE INTO schedule
                        (vault, item, handled, first, done, attempts, tried)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    vault.hex, item, state.begun, state.first, state.done, state.attempts,
                    state.tried,
                ])
        }
    }

    /// Enters that work has to be done, from `time` on, whatever was tried of it before.
    package func want(
        _ item: String, in vault: UniqueID, at time: Int64
    ) throws(KuraError) {
        try enter(ScheduleState(begun: .min, first: time), of: item, in: vault)
        try change(item, in: vault, setting: "handled = ?, attempts = 0", [time])
    }

    /// Forgets an item: one that is registered again begins anew.
    package func forgetSchedule(of item: String, in vault: UniqueID) throws(KuraError) {
        try write {
            try $0.execute(
                sql: "DELETE FROM schedule WHERE vault = ? AND item = ?",
                arguments: [vault.hex, item])
        }
    }

    /// Enters an attempt, before it is made.
    /// - Returns: what is then known.
    package func begin(
        _ run: Int64, of item: String, in vault: UniqueID, at time: Int64
    ) throws(KuraError) -> ScheduleState {
        try change(
            item, in: vault,
            setting: """
                attempts = CASE WHEN handled = ? THEN attempts + 1 ELSE 1 END,
                handled = ?, tried = ?
                """, [run, run, time])
        return try schedule(of: item, in: vault) ?? ScheduleState(begun: run, first: time)
    }

    /// Enters that a run is done.
    package func finish(
        _ run: Int64, of item: String, in vault: UniqueID
    ) throws(KuraError) {
        try change(item, in: vault, setting: "handled = ?, done = ?, attempts = 0", [run, run])
    }

    /// Takes an attempt back.
    package func giveBack(_ item: String, in vault: UniqueID) throws(KuraError) {
        try change(item, in: vault, setting: "attempts = max(attempts - 1, 0)", [])
    }

    private func change(
        _ item: String, in vault: UniqueID, setting assignments: String, _ values: [Int64]
    ) throws(KuraError) {
        try write { database in
            try database.execute(
                sql: "UPDATE schedule SET \(assignments) WHERE vault = ? AND item = ?",
                arguments: StatementArguments(values) + [vault.hex, item])
        }
    }
}
