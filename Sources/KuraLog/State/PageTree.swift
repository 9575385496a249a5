internal import KuraFormat
internal import KuraIO

/// The pages of one kind as a checkpoint has them, read one by one when they are needed.
///
/// Their bytes may be hostile: each is believed only when it has the name, the place and the size
/// that the page above, or the root, says.
struct PageTree: Sendable {
    let vault: UniqueID
    let kind: StatePage.Kind
    /// Level of the pages that `top` names.
    let level: UInt8
    /// In the root.
    let top: [StatePage.Reference]
    let cache: PageCache

    /// Entries of level 0.
    var count: UInt64 {
        Self.sum(top.map(\.entries))
    }

    /// The value of a key.
    func value(for key: [UInt8]) throws(KuraError) -> [UInt8]? {
        var references = top
        var level = level
        while true {
            let behind = firstIndex(in: 0..<references.count) {
                key.isBefore(references[$0].firstKey)
            }
            guard behind > 0 else { return nil }
            let page = try page(
                references[behind - 1], level: level,
                before: behind < references.count ? references[behind].firstKey : nil)
            guard level > 0 else {
                let entries = page.entries
                let index = firstIndex(in: 0..<entries.count) { !entries[$0].key.isBefore(key) }
                guard index < entries.count, entries[index].key == key else { return nil }
                return entries[index].value
            }
            references = try Self.references(page)
            level -= 1
        }
    }

    /// The pages of level 0 that may have keys from `lower` to before `upper`, in order.
    func leaves(
        from lower: [UInt8], to upper: [UInt8]?
    ) throws(KuraError) -> [StatePage.Reference] {
        var references = top
        var level = level
        while true {
            let start = firstIndex(in: 0..<references.count) {
                lower.isBefore(references[$0].firstKey)
            }
            let end = firstIndex(in: 0..<references.count) { index in
                upper.map { !references[index].firstKey.isBefore($0) } ?? false
            }
            let inside = Array(references[max(start - 1, 0)..<max(end, max(start - 1, 0))])
            guard level > 0 else { return inside }
            var below: [StatePage.Reference] = []
            for (index, reference) in inside.enumerated() {
                let next = index + 1 < inside.count ? inside[index + 1].firstKey : nil
                let page = try page(reference, level: level, before: next)
                below += try Self.references(page)
            }
            references = below
            level -= 1
        }
    }

    /// The names of all pages. Reads those above level 0.
    func pageNames() throws(KuraError) -> Set<Digest> {
        var names = Set(top.map(\.page))
        var references = top
        var level = level
        while level > 0 {
            var below: [StatePage.Reference] = []
            for reference in references {
                below += try Self.references(page(reference, level: level, before: nil))
            }
            names.formUnion(below.map(\.page))
            references = below
            level -= 1
        }
        return names
    }

    /// Reads a page, and checks that it is what `reference` says.
    ///
    /// - Parameter next: the first key of the page behind it; nil where there is none.
    func page(
        _ reference: StatePage.Reference, level: UInt8, before next: [UInt8]?
    ) throws(KuraError) -> StatePage {
        let page = try cache.page(reference.page) { bytes throws(KuraError) in
            try decoded(bytes, reference)
        }
        guard page.vault == vault, page.kind == kind, page.level == level,
            page.entries.first?.key == reference.firstKey, let last = page.entries.last,
            next.map({ last.key.isBefore($0) }) ?? true,
            try Self.count(page) == reference.entries
        else { throw Self.damaged(reference, "it is not the page that belongs there") }
        return page
    }

    private func decoded(
        _ bytes: [UInt8], _ reference: StatePage.Reference
    ) throws(KuraError) -> StatePage {
        guard bytes.count == Int(reference.byteCount) else {
            throw Self.damaged(reference, "its length is \(bytes.count) bytes")
        }
        do {
            let (page, name) = try StatePage.decode(bytes)
            guard name == reference.page else {
                throw Self.damaged(reference, "it has another name")
            }
            return page
        } catch let error as FormatError {
            throw KuraError(format: error, at: "page \(reference.page.hex)")
        } catch {
            throw KuraError(error)
        }
    }

    private static func references(
        _ page: StatePage
    ) throws(KuraError) -> [StatePage.Reference] {
        do throws(FormatError) {
            return try page.references()
        } catch {
            throw KuraError(format: error, at: nil)
        }
    }

    /// Entries of level 0 in a page or below it.
    private static func count(_ page: StatePage) throws(KuraError) -> UInt64 {
        guard page.level > 0 else { return UInt64(page.entries.count) }
        return sum(try references(page).map(\.entries))
    }

    /// Counts may be hostile: too large a sum is the largest number.
    static func sum(_ counts: [UInt64]) -> UInt64 {
        counts.reduce(0) { sum, count in
            let (next, isTooMuch) = sum.addingReportingOverflow(count)
            return isTooMuch ? .max : next
        }
    }

    private static func damaged(_ reference: StatePage.Reference, _ what: String) -> KuraError {
        KuraError(
            .damaged, "the page \(reference.page.short) of a checkpoint is wrong: \(what)")
    }
}
