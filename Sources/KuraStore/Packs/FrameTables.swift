package import KuraFormat

/// Frame tables of packs in memory, up to a number of bytes: a pack of small frames has a table of
/// some MiB, most have a table of a few KiB.
package struct FrameTables {
    private let byteCountMax: Int
    private var tables: [PackID: FrameTable] = [:]
    private var byteCount = 0

    package init(byteCountMax: Int) { self.byteCountMax = byteCountMax }

    /// A new table for which there is no room drops all the others.
    package subscript(_ pack: PackID) -> FrameTable? {
        get { tables[pack] }
        set {
            byteCount -= tables[pack]?.byteCount ?? 0
            tables[pack] = nil
            guard let newValue else { return }
            if byteCount + newValue.byteCount > byteCountMax {
                tables.removeAll()
                byteCount = 0
            }
            byteCount += newValue.byteCount
            tables[pack] = newValue
        }
    }
}
