internal import KuraFormat
internal import KuraIO
internal import KuraVault

/// A machine whose policy has a run that is due.
struct DueItem {
    var item: RegisteredItem
    var work: ScheduledWork
}

extension Operations {
    /// Machines of a vault that are to be backed up now, by item.
    /// - Parameter isPlan: whether nothing is entered in the catalog.
    func dueItems(
        in place: VaultPlace, at now: Int64, isPlan: Bool
    ) throws(KuraError) -> [DueItem] {
        guard place.isActiveReachable else { throw place.unreachable }
        let settings = try subscription.settings(of: place.reading())
        var due: [DueItem] = []
        var times: [String: Int64]?
        // Asked for only where something may be due: the vault's points must be listed for it.
        let newest = { (item: String) throws(KuraError) -> Int64? in
            if let times { return times[item] }
            let found = try subscription.catalog().newestPoints(
                of: place.reading(), atOrBefore: now)
            times = found
            return found[item]
        }
        for (item, state) in settings.items.sorted(by: { $0.key < $1.key })
        where state.status == .protected {
            guard let policy = state.policy.flatMap({ settings.policies[$0]?.policy }) else {
                continue
            }
            let found = RegisteredItem(item: item, state: state, place: place)
            let known = try scheduleState(
                of: found, at: now, isPlan: isPlan, newest: newest)
            guard let run = known.openRun(of: policy, assigned: state.assigned, at: now),
                known.mayBegin(run, at: now)
            else { continue }
            if try newest(item) ?? .min >= run {
                // Made on demand, or from another home.
                if !isPlan { try subscription.catalog().finish(run, of: item, in: place.record.id) }
                continue
            }
            let work = ScheduledWork(
                item: item, vault: place.record.id, run: run, done: known.done)
            due.append(DueItem(item: found, work: work))
        }
        return due
    }

    /// What the scheduler remembers of an item; an item that is new to it is entered. With a new
    /// catalog, it begins with the item's newest point.
    private func scheduleState(
        of found: RegisteredItem, at now: Int64, isPlan: Bool,
        newest: (String) throws(KuraError) -> Int64?
    ) throws(KuraError) -> ScheduleState {
        let (catalog, vault) = (try subscription.catalog(), found.place.record.id)
        if let known = try catalog.schedule(of: found.item, in: vault) { return known }
        let newest = try newest(found.item)
        let assigned = found.state.assigned.flatMap { $0 <= now ? $0 : nil }
        let begun = [newest, assigned].compactMap(\.self).max() ?? now - Self.inTimeNanoseconds
        let new = ScheduleState(begun: begun, first: newest ?? now)
        if isPlan { return new }
        try catalog.enter(new, of: found.item, in: vault)
        return try catalog.schedule(of: found.item, in: vault) ?? new
    }
}
