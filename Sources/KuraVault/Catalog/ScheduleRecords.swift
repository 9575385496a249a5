internal import GRDB
package import KuraFormat
package import KuraIO

/// What the scheduler remembers of an item.
package struct ScheduleState: Equatable {
    /// The last run that was dealt with, in nanoseconds since 1970.
    package var handled: Int64
    /// When the scheduler saw the item first, likewise.
    package var first: Int64

    package init(handled: Int64, first: Int64) {
        self.handled = handled
        self.first = first
    }
}

extension Catalog {
    /// Nil where the scheduler has not seen the item.
    package func schedule(of item: String, in vault: UniqueID) throws(KuraError) -> ScheduleState? {
        try read { database in
            try Row.fetchOne(
                database, sql: "SELECT handled, first FROM schedule WHERE vault = ? AND item = ?",
                arguments: [vault.hex, item]
            ).map { ScheduleState(handled: $0[0], first: $0[1]) }
        }
    }

    /// Enters an item that the scheduler has not seen; what another process entered stays.
    package func enter(
        _ state: ScheduleState, of item: String, in vault: UniqueID
    ) throws(KuraError) {
        try write {
            try $0.execute(
                sql: """
                    INSERT OR IGNORE INTO schedule (vault, item, handled, first)
                    VALUES (?, ?, ?, ?)
                    """, arguments: [vault.hex, item, state.handled, state.first])
        }
    }

    /// Forgets an item: one that is registered again begins anew.
    package func forgetSchedule(of item: String, in vault: UniqueID) throws(KuraError) {
        try write {
            try $0.execute(
                sql: "DELETE FROM schedule WHERE vault = ? AND item = ?",
                arguments: [vault.hex, item])
        }
    }

    /// Takes a run on, so that no other process does.
    /// - Parameter last: what was dealt with when it was decided that the run is due.
    /// - Returns: false where another scheduler was faster.
    package func claim(
        _ run: Int64, after last: Int64, of item: String, in vault: UniqueID
    ) throws(KuraError) -> Bool {
        try write { database in
            try database.execute(
                sql: "UPDATE schedule SET handled = ? WHERE vault = ? AND item = ? AND handled = ?",
                arguments: [run, vault.hex, item, last])
            return database.changesCount > 0
        }
    }
}
