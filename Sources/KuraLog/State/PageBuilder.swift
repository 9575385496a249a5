internal import KuraFormat
internal import KuraIO

/// Cuts the entries of one kind into pages, so that equal entries give equal pages whatever was
/// there before, and pages in which nothing changed are taken over as they are.
struct PageBuilder {
    let vault: UniqueID
    let kind: StatePage.Kind
    /// Pages that were made, by name; those that were taken over are not among them.
    private(set) var made: [Digest: [UInt8]] = [:]
    private var level: UInt8 = 0
    private var references: [StatePage.Reference] = []
    /// Entries of the page that is still open.
    private var open: [StatePage.Entry] = []
    private var openBytes = 0
    /// Of the open page: entries of level 0 below it.
    private var openCount: UInt64 = 0

    /// Pages of one kind that the root names: more get a level above them.
    static let topPagesMax = 16

    init(vault: UniqueID, kind: StatePage.Kind) {
        self.vault = vault
        self.kind = kind
    }

    /// Makes the pages of a table.
    ///
    /// - Returns: what the root says of them; nil for a table without entries.
    mutating func build(_ table: StateTable) throws(KuraError) -> CheckpointRoot.Pages? {
        for window in try table.windows(from: [], to: nil) {
            if let leaf = window.leaf, window.changes.isEmpty, open.isEmpty {
                references.append(leaf)
                continue
            }
            let entries = try table.entries(of: window)
            try reopen(before: entries.first, in: window, of: table)
            for entry in entries { add(entry, count: 1) }
        }
        close()
        guard !references.isEmpty else { return nil }
        while references.count > Self.topPagesMax, level < Limits.pageLevelMax {
            let below = references
            references = []
            level += 1
            for reference in below { add(reference.entry, count: reference.entries) }
            close()
        }
        return CheckpointRoot.Pages(kind: kind, level: level, pages: references)
    }

    /// A page that was taken over may have ended because the entry behind it was too much for it.
    /// Where that entry is another now, the page goes on.
    private mutating func reopen(
        before first: StatePage.Entry?, in window: StateTable.Window, of table: StateTable
    ) throws(KuraError) {
        guard open.isEmpty, let last = references.last, let base = table.base,
            let leaf = window.leaf, made[last.page] == nil
        else { return }
        let old = try base.page(leaf, level: 0, before: window.next).entries.first
        guard old != first else { return }
        let page = try base.page(last, level: 0, before: leaf.firstKey)
        guard let end = page.entries.last,
            !StatePage.ends(after: end.key, kind: kind, level: 0)
        else { return }
        references.removeLast()
        for entry in page.entries { add(entry, count: 1) }
    }

    private mutating func add(_ entry: StatePage.Entry, count: UInt64) {
        if openBytes + entry.byteCount > StatePage.entriesBytesMax
            || open.count == Limits.pageEntriesMax
        {
            close()
        }
        open.append(entry)
        openBytes += entry.byteCount
        openCount = PageTree.sum([openCount, count])
        if StatePage.ends(after: entry.key, kind: kind, level: level) { close() }
    }

    private mutating func close() {
        guard let first = open.first else { return }
        let (bytes, name) =
            StatePage(vault: vault, kind: kind, level: level, entries: open).encoded()
        made[name] = bytes
        references.append(
            StatePage.Reference(
                firstKey: first.key, page: name, entries: openCount,
                byteCount: UInt32(bytes.count)))
        open = []
        openBytes = 0
        openCount = 0
    }
}
