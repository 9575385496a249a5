internal import KuraFormat
public import KuraIO
internal import KuraPolicy
public import KuraVault
internal import Synchronization

/// What one step of the scheduler did.
public struct TickReport: Sendable {
    /// Nanoseconds since 1970.
    public var time: Int64
    public var backups: [MachineOutcome] = []
    /// Items that were due and were left, and why.
    public var skipped: [(item: String, reason: String)] = []
    public var pruned: [PruneReport] = []
    public var errors: [KuraError] = []
    /// What the home knows of and that cannot be read. What is due there is not known.
    public var absences: [Absence] = []
}

extension Operations {
    /// Jobs that the scheduler runs beside each other.
    public static let jobsAtOnceMax = 4

    /// One step of the scheduler: runs everything that is due at the context's time.
    ///
    /// An item is due when its policy had a run since the last one that was handled; several such
    /// runs make one backup. The catalog has the handled run before the backup begins: so a backup
    /// that kills the scheduler is not begun again and again, and of two schedulers only one makes
    /// it. Then every vault that had a backup is replicated, and every vault is pruned once a day.
    ///
    /// The context's time may be in the past or in the future: records of later times are ignored.
    public func tick(jobsAtOnce: Int = 2) throws(KuraError) -> TickReport {
        // Everything that one step does counts as its time, however long it takes.
        var context = context
        context.clock = .fixed(context.clock.now())
        return try Operations(subscription, context).step(jobsAtOnce: jobsAtOnce)
    }

    private func step(jobsAtOnce: Int) throws(KuraError) -> TickReport {
        let now = context.clock.now()
        var report = TickReport(time: now)
        var due: [DueItem] = []
        report.absences = try subscription.absences()
        for place in try subscription.places() where place.isActiveReachable {
            do throws(KuraError) {
                due += try dueItems(in: place, now: now)
            } catch {
                report.errors.append(error)
            }
        }
        run(due, jobsAtOnce: min(max(1, jobsAtOnce), Self.jobsAtOnceMax), into: &report)
        let vaults = Set(due.map(\.item.place.name))
        for place in try subscription.places() where !context.cancellation.isCancelled {
            do throws(KuraError) {
                if vaults.contains(place.name), place.record.redundancy.hasPair {
                    _ = try apart.replicate(CopiesUpdate(vault: place.name))
                }
                if let pruned = try pruneIfDue(place, now) {
                    report.pruned.append(pruned)
                    if let failure = pruned.failure { report.errors.append(failure) }
                }
            } catch {
                report.errors.append(error)
            }
        }
        return report
    }

    /// An item with the run that is due, and the one that was handled last.
    private struct DueItem {
        var item: RegisteredItem
        var run: Int64
        var last: Int64
    }

    private func dueItems(
        in place: VaultPlace, now: Int64
    ) throws(KuraError) -> [DueItem] {
        let settings = try subscription.settings(of: place.reading())
        var due: [DueItem] = []
        for (item, state) in settings.items.sorted(by: { $0.key < $1.key })
        where state.status == .protected {
            guard let policy = state.policy.flatMap({ settings.policies[$0]?.policy }) else {
                continue
            }
            let registered = RegisteredItem(item: item, state: state, place: place)
            let known = try scheduleState(of: registered, now: now)
            // What was due before the policy was assigned was not missed.
            let since =
                [known.handled, state.assigned ?? .min].filter { $0 <= now }.max()
                ?? now - Self.inTimeNanoseconds
            let run = policy.lastRun(atOrBefore: now)
            guard run > since else { continue }
            due.append(DueItem(item: registered, run: run, last: known.handled))
        }
        return due
    }

    /// What the scheduler remembers of an item; an item that is new to it is entered. With a new
    /// catalog, it begins with the item's newest point.
    private func scheduleState(
        of found: RegisteredItem, now: Int64
    ) throws(KuraError) -> ScheduleState {
        let (catalog, vault) = (try subscription.catalog(), found.place.record.id)
        if let known = try catalog.schedule(of: found.item, in: vault) { return known }
        let newest = try catalog.mapPoints(of: found.place.reading(), item: found.item) {
            $1.time
        }.filter { $0 <= now }.max()
        let assigned = found.state.assigned.flatMap { $0 <= now ? $0 : nil }
        let handled = [newest, assigned].compactMap(\.self).max() ?? now - Self.inTimeNanoseconds
        try catalog.enter(
            ScheduleState(handled: handled, first: newest ?? now), of: found.item, in: vault)
        return try catalog.schedule(of: found.item, in: vault)
            ?? ScheduleState(handled: handled, first: now)
    }

    private func run(_ due: [DueItem], jobsAtOnce: Int, into report: inout TickReport) {
        let shared = Mutex((next: 0, report: report))
        Threads.run(min(jobsAtOnce, due.count)) { [self] _ in
            while !context.cancellation.isCancelled {
                let number = shared.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard number < due.count else { return }
                guard let outcome = runOne(due[number]) else { continue }
                shared.withLock { state in
                    if let error = outcome.error, error.code == .locked {
                        state.report.skipped.append((due[number].item.item, error.message))
                    } else {
                        state.report.backups.append(outcome)
                    }
                }
            }
        }
        report = shared.withLock { $0.report }
        report.backups.sort { ($0.item ?? "") < ($1.item ?? "") }
    }

    /// Nil where another scheduler makes this run.
    private func runOne(_ due: DueItem) -> MachineOutcome? {
        let (item, place) = (due.item.item, due.item.place)
        do throws(KuraError) {
            let isMine = try subscription.catalog().claim(
                due.run, after: due.last, of: item, in: place.record.id)
            guard isMine else { return nil }
        } catch {
            var outcome = MachineOutcome(name: item)
            outcome.error = error
            return outcome
        }
        var occasion = BackupOccasion(run: due.run)
        occasion.replicates = false
        return apart.backUp(item, vault: place.name, occasion)
    }

    /// For one job of several: a request of its own.
    private var apart: Operations {
        var context = context
        context.progress = Progress()
        return Operations(subscription.snapshotted(), context)
    }

    /// Once a day, and only when something has to go.
    private func pruneIfDue(_ place: VaultPlace, _ now: Int64) throws(KuraError) -> PruneReport? {
        guard place.isActiveReachable, !place.isContested else { return nil }
        let (catalog, vault) = (try subscription.catalog(), place.record.id)
        let known = try catalog.schedule(of: Self.pruneItem, in: vault)
        let last = known?.handled ?? .min
        // A last prune in the future was recorded under a wrong clock; ignore it.
        guard last > now || last <= now - Self.pruneNanoseconds else { return nil }
        guard try subscription.hasExpiredPoints(place) else { return nil }
        if known == nil {
            try catalog.enter(
                ScheduleState(handled: last, first: now), of: Self.pruneItem, in: vault)
        }
        guard try catalog.claim(now, after: last, of: Self.pruneItem, in: vault) else { return nil }
        return try apart.prune(place)
    }

    /// No item's name starts with a slash.
    private static let pruneItem = "/prune"
    /// A little less than a day, so that a clock that is read early misses no day.
    private static let pruneNanoseconds: Int64 = 82_800_000_000_000
}
