internal import GRDB
internal import KuraFormat
internal import KuraStore

extension Catalog {
    /// The last scheduled run of an item that was dealt with; nil when there was none.
    func handledRun(of item: String, in vault: UniqueID) throws(StoreError) -> Int64? {
        try read {
            try Int64.fetchOne(
                $0, sql: "SELECT handled FROM schedule WHERE vault = ? AND item = ?",
                arguments: [vault.hex, item])
        }
    }

    func setHandledRun(
        _ run: Int64, of item: String, in vault: UniqueID
    ) throws(StoreError) {
        try write {
            try $0.execute(
                sql: "INSERT OR REPLACE INTO schedule (vault, item, handled) VALUES (?, ?, ?)",
                arguments: [vault.hex, item, run])
        }
    }
}
