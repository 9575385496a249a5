internal import KuraFormat
public import KuraIO
internal import KuraPolicy
internal import KuraStore
public import KuraVault

/// An item that is no virtual machine, and what there is of it.
public struct PlainItem: Sendable {
    public var name: String
    public var place: VaultPlace
    public var points: Int
}

/// What the deletion of an item did.
public struct ItemDeletionReport: Sendable {
    public var item: String
    public var vault: String
    public var points: Int
    public var space: FreedSpace
    public var job: String
    /// Everything that the user should know.
    public var warnings: [Warning]
}

extension Operations {
    /// The item that a name means.
    /// - Parameter vault: its name; nil for the only vault that has the item.
    /// - Throws: `notFound` where there are no points of it; `refused` for a registered machine.
    public func plainItem(
        _ name: String, vault: String? = nil
    ) throws(KuraError) -> PlainItem {
        var found: [PlainItem] = []
        for place in try subscription.places(named: vault) {
            let read = try place.reading()
            if let state = try subscription.settings(of: read).items[name] {
                throw KuraError(
                    .refused,
                    "item \(name) is a virtual machine, \(state.status.title.lowercased())",
                    remedy: .machine(.deleteData(name)))
            }
            guard let points = try subscription.pointCounts(of: read)[name] else { continue }
            found.append(PlainItem(name: name, place: place, points: points))
        }
        guard let only = found.first else {
            throw KuraError(
                .notFound, "item \(name) has no recovery point", remedy: .point(.list()))
        }
        guard found.count == 1 else {
            let names = found.map(\.place.name).joined(separator: ", ")
            throw KuraError(
                .invalidInput, "several vaults have an item \(name): \(names)",
                remedy: .vault(.choose))
        }
        return only
    }

    /// Drops every recovery point of an item, the newest as well, and frees what no other point
    /// needs: one job, with an entry in the audit journal.
    ///
    /// If power fails half-way, points are dropped or still there, each as a whole; then run it
    /// again. A point that is made meanwhile stays.
    public func deleteItem(_ item: PlainItem) throws(KuraError) -> ItemDeletionReport {
        let place = item.place
        let done = try withJob(
            .deleteBackupData, vault: place.name, item: item.name, auditing: [place]
        ) { job throws(KuraError) in
            job.run.skip(task: 0)
            job.run.begin(task: 1)
            let vault = try place.writing()
            let ids = try subscription.recoveryPoints(of: vault, item: item.name).map(\.id)
            var report = PruneReport(vault: place.name, decisions: [], space: FreedSpace())
            try collect(
                PruneRequest(dropping: Set(ids), reason: "item \(item.name) was deleted"),
                in: vault, into: &report, job)
            job.describe("\(ids.count) recovery points dropped")
            if place.record.pair != nil { try prunePair(place, into: &report, job) }
            return (ids.count, report.space)
        }
        return ItemDeletionReport(
            item: item.name, vault: place.name, points: done.value.0, space: done.value.1,
            job: done.id, warnings: done.warnings)
    }
}
