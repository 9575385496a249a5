internal import KuraFormat
internal import KuraIO
internal import KuraPolicy

/// What lists say of the schedule of a vault's machines.
struct ScheduleView {
    private let settings: VaultSettings
    /// By item, of the points that are not from the future.
    private let newest: [String: Int64]
    private let now: Int64

    init(of place: VaultPlace, in subscription: Subscription) throws(KuraError) {
        let vault = try place.reading()
        now = subscription.context.clock.now()
        settings = try subscription.settings(of: vault)
        newest = try subscription.catalog().newestPoints(of: vault, atOrBefore: now)
    }

    /// The scheduler looks every half minute, and runs few jobs beside each other.
    private static let lateMax: Int64 = 300_000_000_000

    func complete(
        _ row: inout MachineRow, for found: RegisteredItem, in subscription: Subscription
    ) throws(KuraError) {
        guard found.state.status == .protected,
            let policy = found.state.policy.flatMap({ settings.policies[$0]?.policy })
        else { return }
        row.nextRun = policy.nextRun(after: now)
        let newest = newest[found.item]
        let vault = found.place.record.id
        // What the scheduler will begin with, where it has not seen the item.
        let known =
            try subscription.catalog().schedule(of: found.item, in: vault)
            ?? ScheduleState(begun: newest ?? .min, first: now)
        guard let run = known.openRun(of: policy, assigned: found.state.assigned, at: now),
            newest ?? .min < run, run < now - Self.lateMax
        else { return }
        row.isOverdue = !subscription.isHeld(.work(found.item, of: vault))
    }
}
