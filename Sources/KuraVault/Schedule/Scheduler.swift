internal import KuraFormat
public import KuraIO
internal import KuraPolicy
internal import KuraReplication
public import KuraStore
internal import Synchronization

/// What one step of the scheduler did.
public struct TickReport: Sendable {
    /// Nanoseconds since 1970.
    public var time: Int64
    public var backups: [MachineOutcome] = []
    /// Items that were due and were left, and why.
    public var skipped: [(item: String, reason: String)] = []
    public var pruned: [PruneReport] = []
    public var errors: [StoreError] = []
}

extension Subscription {
    /// Jobs that the scheduler runs beside each other.
    public static let jobsAtOnceMax = 4

    /// One step of the scheduler: whatever is due at `now` runs now.
    ///
    /// An item is due when a run of its policy has come since the last one that was dealt with,
    /// once, however many runs went by meanwhile. Which run was dealt with is in the catalog before
    /// the backup begins, so that a backup that kills the scheduler is not begun for ever. Then every
    /// vault that had a backup lets points go whose time is over.
    /// - Parameter now: nanoseconds since 1970; also the time that everything done counts as.
    public func tick(
        now: Int64, jobsAtOnce: Int = 2, cancellation: Cancellation = Cancellation()
    ) throws(StoreError) -> TickReport {
        var report = TickReport(time: now)
        var due: [(item: RegisteredItem, run: Int64)] = []
        for place in try places() {
            do throws(StoreError) {
                due += try dueItems(in: place, now: now)
            } catch {
                report.errors.append(error)
            }
        }
        run(due, now, min(max(1, jobsAtOnce), Self.jobsAtOnceMax), cancellation, &report)
        let vaults = Set(due.map(\.item.place.name))
        for place in try places() where !cancellation.isCancelled {
            do throws(StoreError) {
                if vaults.contains(place.name), place.record.redundancy.hasPair {
                    try replicateAsJob(place, now, cancellation)
                }
                if let pruned = try pruneIfDue(place, now, cancellation) {
                    report.pruned.append(pruned)
                }
            } catch {
                report.errors.append(error)
            }
        }
        return report
    }

    private func dueItems(
        in place: VaultPlace, now: Int64
    ) throws(StoreError) -> [(item: RegisteredItem, run: Int64)] {
        guard place.isActiveReachable else { throw place.unreachable }
        let settings = try settings(of: place.reading())
        var due: [(item: RegisteredItem, run: Int64)] = []
        for (item, state) in settings.items.sorted(by: { $0.key < $1.key })
        where state.status == .protected {
            guard let policy = state.policy.flatMap({ settings.policies[$0]?.policy }) else {
                continue
            }
            let run = policy.lastRun(atOrBefore: now)
            var since = try catalog().handledRun(of: item, in: place.record.id)
            if since == nil { since = try newestPoint(of: item, in: place.reading()) }
            // What was due before the policy was assigned is nobody's loss.
            guard run > max(since ?? .min, state.assigned ?? .min) else { continue }
            due.append((RegisteredItem(item: item, state: state, place: place), run))
        }
        return due
    }

    /// Time of an item's newest point: what was dealt with, when the catalog was made anew.
    private func newestPoint(of item: String, in vault: Vault) throws(StoreError) -> Int64? {
        try catalog().mapPoints(of: vault) { $1.item == item ? $1.time : nil }
            .compactMap(\.self).max()
    }

    private func run(
        _ due: [(item: RegisteredItem, run: Int64)], _ now: Int64, _ jobsAtOnce: Int,
        _ cancellation: Cancellation, _ report: inout TickReport
    ) {
        let shared = Mutex((next: 0, report: report))
        Threads.run(min(jobsAtOnce, due.count)) { [self] _ in
            while !cancellation.isCancelled {
                let number = shared.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard number < due.count else { return }
                let (item, run) = due[number]
                let outcome = runOne(item, run, now, cancellation)
                shared.withLock { state in
                    if let error = outcome.error, error.code == .locked {
                        state.report.skipped.append((item.item, error.message))
                    } else {
                        state.report.backups.append(outcome)
                    }
                }
            }
        }
        report = shared.withLock { $0.report }
        report.backups.sort { ($0.item ?? "") < ($1.item ?? "") }
    }

    private func runOne(
        _ item: RegisteredItem, _ run: Int64, _ now: Int64, _ cancellation: Cancellation
    ) -> MachineOutcome {
        do throws(StoreError) {
            try catalog().setHandledRun(run, of: item.item, in: item.place.record.id)
        } catch {
            var outcome = MachineOutcome(name: item.item)
            outcome.error = error
            return outcome
        }
        var occasion = BackupOccasion(run: run, time: now)
        occasion.replicates = false
        return backUp(
            item.item, vault: item.place.name, occasion, cancellation: cancellation)
    }

    private func replicateAsJob(
        _ place: VaultPlace, _ now: Int64, _ cancellation: Cancellation
    ) throws(StoreError) {
        _ = try runJob(.replicate, vault: place.name, cancellation: cancellation, time: now) {
            run throws(StoreError) in
            let report = try replicate(
                place, progress: run.progress, cancellation: run.cancellation)
            for problem in report.allProblems { run.warn(problem) }
        }
    }

    /// Once a day, and only when something has to go.
    private func pruneIfDue(
        _ place: VaultPlace, _ now: Int64, _ cancellation: Cancellation
    ) throws(StoreError) -> PruneReport? {
        guard place.isActiveReachable, !place.isContested else { return nil }
        let last = try catalog().handledRun(of: Self.pruneItem, in: place.record.id) ?? .min
        guard last == .min || now - last >= Self.pruneNanoseconds else { return nil }
        guard try hasExpiredPoints(place, now: now) else { return nil }
        try catalog().setHandledRun(now, of: Self.pruneItem, in: place.record.id)
        return try runJob(.prune, vault: place.name, cancellation: cancellation, time: now) {
            run throws(StoreError) in
            let report = try prune(place, now: now, cancellation: run.cancellation)
            for warning in report.warnings { run.warn(warning) }
            return report
        }.value
    }

    /// No item's name starts with a slash.
    private static let pruneItem = "/prune"
    /// A little less than a day, so that a clock that is read early misses no day.
    private static let pruneNanoseconds: Int64 = 82_800_000_000_000
}
