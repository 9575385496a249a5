internal import KuraFormat
public import KuraIO
internal import KuraVault
internal import Synchronization

extension Operations {
    /// Jobs that the scheduler runs beside each other.
    public static let jobsAtOnceMax = 4

    /// One step of the scheduler: runs everything that is due at the context's time.
    ///
    /// An item is due while the last run of its policy has no point: several runs that were missed
    /// make one backup. A run that was cut short, that failed, or whose machine was in use is made
    /// again after a pause, until it has its point or the next run takes its place. A backup on
    /// demand since then counts. Of two schedulers only one makes it. Then every vault that had a
    /// backup is replicated, and every vault is pruned once a day.
    ///
    /// The context's time may be in the past or in the future: records of later times are ignored.
    /// A time that the caller named and that is far ahead of the machine's clock and of every
    /// recovery point must be forced (`invalidInput`): policies would take most points for expired.
    public func tick(_ request: Tick = Tick()) throws(KuraError) -> TickReport {
        try checkTime(request)
        // Everything that one step does counts as its time, however long it takes.
        var context = context
        context.clock = context.clock.stopped()
        if context.clock.source == .given { context.clock = context.clock.confirmed() }
        return try Operations(subscription, context).step(request)
    }

    private func checkTime(_ request: Tick) throws(KuraError) {
        let now = context.clock.now()
        guard context.clock.source == .given, !request.isForced,
            let gap = ClockHistory.gap(from: WallClock.system.now(), to: now), gap > .zero
        else { return }
        if let newest = try subscription.newestPointTime() {
            let distance = ClockHistory.gap(from: newest, to: now) ?? .zero
            guard distance > .zero else { return }
        }
        throw KuraError(
            .invalidInput,
            "this time is \(gap.inWords) ahead of the machine's clock, and far from every recovery "
                + "point: policies would drop what is older by then",
            remedy: .home(.confirmTime))
    }

    private func step(_ request: Tick) throws(KuraError) -> TickReport {
        let now = context.clock.now()
        let step = TickState(time: now, observe: request.observe)
        let doubt = try clockDoubt()
        if let doubt {
            step.warn(Warning("\(doubt); nothing is pruned", remedy: .vault(.prune())))
        }
        var due: [DueItem] = []
        let absences = try subscription.absences()
        step.change { $0.absences = absences }
        for place in try subscription.places() where place.isActiveReachable {
            step.catching("vault \(place.name)") { () throws(KuraError) in
                let found = try dueItems(in: place, at: now, isPlan: false)
                if !found.isEmpty, place.record.redundancy.hasPair {
                    try subscription.catalog().want(
                        ScheduledWork.replication, in: place.record.id, at: now)
                }
                due += found
            }
        }
        run(due, jobsAtOnce: min(max(1, request.jobsAtOnce), Self.jobsAtOnceMax), step)
        for place in try subscription.places() where !context.cancellation.isCancelled {
            step.catching("vault \(place.name)") { () throws(KuraError) in
                try replicateIfDue(place, at: now, step)
                if doubt == nil { try pruneIfDue(place, at: now, step) }
            }
        }
        return step.report
    }

    /// Before anything is made: points that are made under a wrong clock would vouch for it.
    private func clockDoubt() throws(KuraError) -> String? {
        let doubt = try subscription.clockDoubt()
        try subscription.observeClock()
        return doubt
    }

    // MARK: Backups

    private func run(_ due: [DueItem], jobsAtOnce: Int, _ step: TickState) {
        let next = Mutex(0)
        Threads.run(min(jobsAtOnce, due.count)) { [self] _ in
            while !context.cancellation.isCancelled {
                let number = next.withLock { next in
                    defer { next += 1 }
                    return next
                }
                guard number < due.count else { return }
                runOne(due[number], step)
            }
        }
        step.change { $0.backups.sort { ($0.item ?? "") < ($1.item ?? "") } }
    }

    private func runOne(_ due: DueItem, _ step: TickState) {
        let (item, place) = (due.item.item, due.item.place)
        var outcome = MachineOutcome(name: item)
        do throws(KuraError) {
            let made = try attempt(due.work) {
                step.tell(.backupBegins(item: item))
                var occasion = BackupOccasion(run: due.work.run)
                occasion.replicates = false
                let outcome = apart.backUp(item, vault: place.name, occasion)
                return (value: outcome, error: outcome.error)
            }
            // Another scheduler makes this run.
            guard let made else { return }
            outcome = made.value
            outcome.again = made.again
        } catch {
            outcome.error = error
        }
        step.tell(.backupEnds(outcome))
    }

    /// For one job of several: a request of its own.
    private var apart: Operations {
        var context = context
        context.progress = Progress()
        return Operations(subscription.snapshotted(), context)
    }

    // MARK: Replication and pruning

    /// After backups, and again while it fails.
    private func replicateIfDue(
        _ place: VaultPlace, at now: Int64, _ step: TickState
    ) throws(KuraError) {
        let vault = place.record.id
        guard place.record.redundancy.hasPair,
            let known = try subscription.catalog().schedule(
                of: ScheduledWork.replication, in: vault),
            known.begun != known.done, known.mayBegin(known.begun, at: now)
        else { return }
        let work = ScheduledWork(
            item: ScheduledWork.replication, vault: vault, run: known.begun, done: known.done)
        let done = try attempt(work) {
            step.tell(.replicationBegins(vault: place.name))
            return result { () throws(KuraError) in
                try apart.replicate(CopiesUpdate(vault: place.name))
            }
        }
        guard let done else { return }
        switch done.value {
        case .success(let report):
            step.tell(.replicationEnds(vault: place.name, warnings: report.warnings))
        case .failure(let error):
            step.fail("replication of vault \(place.name)", error, again: done.again)
        }
    }

    /// Once a day, and only when something has to go.
    private func pruneIfDue(
        _ place: VaultPlace, at now: Int64, _ step: TickState
    ) throws(KuraError) {
        guard let work = try pruneWork(in: place, now) else { return }
        try subscription.catalog().enter(
            ScheduleState(begun: work.done, first: now), of: work.item, in: work.vault)
        let done = try attempt(work) {
            step.tell(.pruneBegins(vault: place.name))
            let result = result { () throws(KuraError) in try apart.prune(place) }
            guard case .success(let report) = result.value else { return result }
            return (value: result.value, error: report.failure)
        }
        guard let done else { return }
        switch done.value {
        case .success(let report):
            step.tell(.pruneEnds(report))
            if let failure = report.failure {
                step.fail("prune of vault \(place.name)", failure, again: done.again)
            }
        case .failure(let error):
            step.fail("prune of vault \(place.name)", error, again: done.again)
        }
    }

    /// Nil where no prune is due.
    func pruneWork(in place: VaultPlace, _ now: Int64) throws(KuraError) -> ScheduledWork? {
        guard place.isActiveReachable, !place.isContested else { return nil }
        let vault = place.record.id
        let known = try subscription.catalog().schedule(of: ScheduledWork.prune, in: vault)
        let done = known?.done ?? .min
        // A last prune in the future was recorded under a wrong clock; ignore it.
        guard done > now || done <= now - Self.pruneNanoseconds else { return nil }
        var run = now
        if let known, known.begun != known.done, known.begun <= now { run = known.begun }
        guard known?.mayBegin(run, at: now) ?? true, try subscription.hasExpiredPoints(place)
        else { return nil }
        return ScheduledWork(item: ScheduledWork.prune, vault: vault, run: run, done: done)
    }

    /// The earliest time of the scheduler's next prune of a vault, in nanoseconds since 1970; nil
    /// where it has not pruned it yet.
    func nextPrune(of vault: UniqueID) throws(KuraError) -> Int64? {
        let known = try subscription.catalog().schedule(of: ScheduledWork.prune, in: vault)
        guard let known, known.done > .min else { return nil }
        let now = context.clock.now()
        return known.done > now ? now : max(now, known.done + Self.pruneNanoseconds)
    }

    private func result<T>(
        _ body: () throws(KuraError) -> T
    ) -> (value: Result<T, KuraError>, error: KuraError?) {
        do throws(KuraError) {
            return (.success(try body()), nil)
        } catch {
            return (.failure(error), error)
        }
    }

    /// A little less than a day, so that a clock that is read early misses no day.
    private static let pruneNanoseconds: Int64 = 82_800_000_000_000
}

/// What one step has come to so far; its jobs run on several threads.
private final class TickState: Sendable {
    private let state: Mutex<TickReport>
    private let observe: @Sendable (TickEvent) -> Void

    init(time: Int64, observe: @escaping @Sendable (TickEvent) -> Void) {
        state = Mutex(TickReport(time: time))
        self.observe = observe
    }

    var report: TickReport { state.withLock { $0 } }

    func change(_ body: (inout TickReport) -> Void) { state.withLock { body(&$0) } }

    /// Keeps what an event says, and passes it on.
    func tell(_ event: TickEvent) {
        change { report in
            switch event {
            case .backupBegins, .replicationBegins, .pruneBegins: break
            case .backupEnds(let outcome) where outcome.error?.code == .locked:
                report.skipped.append(outcome)
            case .backupEnds(let outcome): report.backups.append(outcome)
            case .replicationEnds(let vault, let warnings):
                report.replicated.append(vault)
                report.warnings += warnings
            case .pruneEnds(let pruned): report.pruned.append(pruned)
            case .failed(let failure): report.failures.append(failure)
            case .warned(let warning): report.warnings.append(warning)
            }
        }
        observe(event)
    }

    func warn(_ warning: Warning) { tell(.warned(warning)) }

    func fail(_ what: String, _ error: KuraError, again: Int64? = nil) {
        tell(.failed(TickFailure(what: what, error: error, again: again)))
    }

    /// One vault that fails does not stop the others.
    func catching(_ what: String, _ body: () throws(KuraError) -> Void) {
        do throws(KuraError) {
            try body()
        } catch {
            fail(what, error)
        }
    }
}
