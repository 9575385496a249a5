internal import KuraFormat
internal import KuraIO

/// The entries of one kind: those of a checkpoint, and what records changed since.
struct StateTable: Sendable {
    let kind: StatePage.Kind
    /// Nil where the log was followed from its first record.
    private(set) var base: PageTree?
    /// A key without a value is one that is gone.
    private(set) var changes = ByteMap<[UInt8]?>()
    /// All entries.
    private(set) var count: UInt64

    init(_ kind: StatePage.Kind, base: PageTree? = nil) {
        self.kind = kind
        self.base = base
        count = base?.count ?? 0
    }

    subscript(key: [UInt8]) -> [UInt8]? {
        get throws(KuraError) {
            if let change = changes[key] { return change }
            return try base?.value(for: key)
        }
    }

    /// - Parameter value: nil takes the entry out.
    mutating func set(_ value: [UInt8]?, for key: [UInt8]) throws(KuraError) {
        let isThere = try self[key] != nil
        // The count of hostile pages may be wrong in either direction.
        if value != nil, !isThere { count &+= 1 }
        if value == nil, isThere { count &-= 1 }
        changes.set(value, for: key)
    }

    /// A page of the base with the range of keys that belongs to it, and what changed there.
    struct Window {
        /// Nil where there is no base.
        var leaf: StatePage.Reference?
        var next: [UInt8]?
        var changes: [ByteMap<[UInt8]?>.Element]
    }

    /// The windows from `lower` to before `upper`, in order.
    func windows(from lower: [UInt8], to upper: [UInt8]?) throws(KuraError) -> [Window] {
        let leaves = try base?.leaves(from: lower, to: upper) ?? []
        guard !leaves.isEmpty else {
            let changes = changes.elements(from: lower, to: upper)
            return changes.isEmpty ? [] : [Window(leaf: nil, next: nil, changes: changes)]
        }
        return leaves.indices.map { index in
            let next = index + 1 < leaves.count ? leaves[index + 1].firstKey : nil
            return Window(
                leaf: leaves[index], next: next,
                changes: changes.elements(
                    from: index == 0 ? lower : leaves[index].firstKey, to: next ?? upper))
        }
    }

    /// The entries of a window, in order.
    func entries(of window: Window) throws(KuraError) -> [StatePage.Entry] {
        var old: [StatePage.Entry] = []
        if let leaf = window.leaf, let base {
            old = try base.page(leaf, level: 0, before: window.next).entries
        }
        guard !window.changes.isEmpty else { return old }
        var merged: [StatePage.Entry] = []
        merged.reserveCapacity(old.count + window.changes.count)
        var rest = old[...]
        for change in window.changes {
            let end = firstIndex(in: rest.startIndex..<rest.endIndex) {
                !rest[$0].key.isBefore(change.key)
            }
            merged += rest[..<end]
            rest = rest[end...]
            if rest.first?.key == change.key { rest.removeFirst() }
            if let value = change.value {
                merged.append(StatePage.Entry(key: change.key, value: value))
            }
        }
        return merged + rest
    }

    /// Calls `body` for each entry from `lower` to before `upper` until it says false.
    ///
    /// - Parameter backwards: begins with the highest key.
    func visit(
        from lower: [UInt8] = [], to upper: [UInt8]? = nil, backwards: Bool = false,
        _ body: (StatePage.Entry) throws(KuraError) -> Bool
    ) throws(KuraError) {
        let windows = try windows(from: lower, to: upper)
        for index in windows.indices {
            let entries = try entries(
                of: windows[backwards ? windows.count - 1 - index : index])
            let start = firstIndex(in: 0..<entries.count) { !entries[$0].key.isBefore(lower) }
            let end = firstIndex(in: 0..<entries.count) { index in
                upper.map { !entries[index].key.isBefore($0) } ?? false
            }
            for index in start..<max(start, end) {
                let number = backwards ? start + end - 1 - index : index
                guard try body(entries[number]) else { return }
            }
        }
    }
}
