internal import KuraFormat
public import KuraIO
internal import KuraMachines
internal import KuraPolicy
internal import KuraReplication
internal import KuraStore
internal import Synchronization
internal import SystemPackage

/// Why a machine is backed up now.
public struct BackupOccasion: Sendable {
    /// The scheduled run that is due, in nanoseconds since 1970; nil for a backup on demand.
    public var run: Int64?
    /// Until when a backup on demand is kept, likewise; nil for as long as the policy says.
    public var retainUntil: Int64?
    /// Whether the point goes to the paired region within the job; otherwise whoever runs several
    /// jobs does it once for all of them.
    public var replicates = true

    public static let onDemand = BackupOccasion()

    public init(run: Int64? = nil, retainUntil: Int64? = nil) {
        self.run = run
        self.retainUntil = retainUntil
    }
}

extension Subscription {
    /// Backs up a protected machine, as a job.
    public func backUp(
        _ name: String, cloudService: String? = nil, vault: String? = nil,
        _ occasion: BackupOccasion = .onDemand, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) -> MachineOutcome {
        outcome(name) { outcome throws(KuraError) in
            let found = try registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            let done = try runJob(
                .backup, vault: found.place.name, item: found.item, progress: progress,
                cancellation: cancellation,
                started: { outcome.job = $0 }
            ) { run throws(KuraError) in
                do throws(KuraError) {
                    return try backUp(found, occasion, run)
                } catch {
                    recordFailure("Backup", found, error, run)
                    throw error
                }
            }
            (outcome.report, outcome.warnings) = (done.value, done.warnings)
        }
    }

    /// Enters in the journal that something failed. What goes wrong with that is passed over: the
    /// job has the error, and the journal's own trouble must not take its place.
    func recordFailure(
        _ operation: String, _ found: RegisteredItem, _ failure: KuraError, _ run: JobRun
    ) {
        guard found.place.isActiveReachable, !found.place.isContested else { return }
        do throws(KuraError) {
            try record(
                operation, "\(found.item) failed: \(failure.message), job \(run.id)",
                in: found.place.writing())
        } catch {
            return
        }
    }

    /// What makes the scheduler and backups on demand take a machine.
    private static func protectionRemedy(_ item: String, _ state: ItemState) -> Remedy {
        let policy = state.policy ?? Policy.standardName
        let resumed = Remedy.machine(.resume(item, policy: policy))
        return switch state.status {
        case .registered, .protected: .machine(.protect(item, policy: policy))
        case .stoppedRetaining, .stoppedPerPolicy: resumed
        case .softDeleted: .steps([.machine(.undelete(item)), resumed])
        }
    }

    private func backUp(
        _ found: RegisteredItem, _ occasion: BackupOccasion, _ run: JobRun
    ) throws(KuraError) -> BackupReport {
        guard found.state.status == .protected else {
            throw KuraError(
                .refused, "\(found.item) is not protected: its status is "
                    + "\"\(found.state.status.title)\"",
                remedy: Self.protectionRemedy(found.item, found.state))
        }
        let vault = try found.place.writing()
        // Held before anything is frozen: a second backup would thaw what this one reads.
        let lock = try lockItem(found, run)
        defer { LocalFileSystem().close(lock) }
        let settings = try settings(of: vault)
        run.begin(task: 0)
        let machine = try current(VirtualMachine(found.state, known: catalog().machines()))
        let source = try MachineSource(machine, found.state.disks, run, context)
        defer { source.release() }
        var request = BackupRequest(
            item: found.item, disks: source.disks, consistency: source.consistency)
        request.confirmConsistency = { source.letGo() }
        // One time for both: until when the point is kept is counted from its own time.
        let time = context.clock.now()
        request.time = time
        request.tags = try tags(found, settings, occasion, vault, at: time)
        run.begin(task: 1)
        let report = try vault.backup(
            request, progress: run.progress, cancellation: run.cancellation)
        run.keep(recoveryPoint: report.id.hex)
        for warning in report.warnings { run.warn(warning) }
        if let warning = noteBackup(report, in: vault) { run.warn(warning) }
        var state = found.state
        state.keepLayout(of: machine)
        if source.usedAgent { state.hasExtension = true }
        if state != found.state {
            let operation = state.hasExtension == found.state.hasExtension
                ? "UpdateItem" : "InstallExtension"
            try change(vault, operation) { settings throws(KuraError) in
                settings.items[found.item]?.hasExtension = state.hasExtension
                settings.items[found.item]?.luns = state.luns
            }
        }
        bringAcross(found.place, occasion, run)
        try record(
            "Backup", "\(found.item), \(occasion.run == nil ? "on demand" : "scheduled"), "
                + "recovery point \(report.id.hex), job \(run.id)",
            in: vault)
        do throws(KuraError) {
            try vault.mergeRuns(run.cancellation)
        } catch {
            // The recovery point is made; only the index stays in more files than it should.
            if error.code != .interrupted {
                run.warn("index runs were not merged: \(error.message)")
            }
        }
        return report
    }

    /// To the pair; what goes wrong there is a warning, because the point is durable here.
    private func bringAcross(
        _ place: VaultPlace, _ occasion: BackupOccasion, _ run: JobRun
    ) {
        guard place.record.redundancy.hasPair, occasion.replicates else {
            return run.skip(task: 2)
        }
        run.begin(task: 2)
        do throws(KuraError) {
            for problem in try replicate(place, cancellation: run.cancellation).allProblems {
                run.warn(problem)
            }
        } catch {
            // Somebody else copies at this moment; the queue knows what is left then.
            guard error.code != .locked else { return }
            run.warn("not replicated yet: \(error.message)")
        }
    }

    /// The tags of the point that is made now.
    private func tags(
        _ found: RegisteredItem, _ settings: VaultSettings, _ occasion: BackupOccasion,
        _ vault: Vault, at time: Int64
    ) throws(KuraError) -> [String] {
        guard let name = found.state.policy, let state = settings.policies[name] else {
            throw KuraError(
                .refused, "\(found.item) has no policy",
                remedy: .policy(.assign(Policy.standardName, items: [found.item])))
        }
        let policy = state.policy
        var lastTagged: [Tier: LocalDate] = [:]
        var count = 0
        for (time, tags) in try catalog().mapPoints(of: vault, item: found.item, { _, point in
            (point.time, PointTags.tiers(point.tags))
        }) {
            count += 1
            let date = policy.zone.date(at: time)
            for tag in tags { lastTagged[tag] = max(lastTagged[tag] ?? date, date) }
        }
        guard count < settings.limits.pointsPerItem else {
            throw KuraError(
                .refused, "\(found.item) has \(count) recovery points, the most that an item may "
                    + "have",
                remedy: .steps([
                    .anyOf([.policy(.update(name)), .policy(.assign(nil, items: [found.item]))]),
                    .vault(.prune(found.place.name)),
                ]))
        }
        guard let due = occasion.run else {
            let days = settings.limits.onDemandDays.map { Int64($0) * 86_400_000_000_000 }
            if let until = occasion.retainUntil ?? days.map({ time + $0 }) {
                guard until > time else {
                    throw KuraError(.invalidInput, "the date to retain it until is over already")
                }
                return [PointTags.onDemand, PointTags.retain(until: until)]
            }
            return [policy.shortestTier.rawValue, PointTags.onDemand]
        }
        // A backup that starts in time counts for the date that it was due on, even when that ends
        // a moment before the backup begins.
        let counted = time - due < Self.inTimeNanoseconds ? due : time
        let seen = try catalog().schedule(of: found.item, in: vault.id)?.first
        return policy.tags(
            at: counted, lastTagged: lastTagged,
            since: settings.since(found.state, state, seen: seen, at: counted)
        ).map(\.rawValue)
    }

    /// An hour.
    static let inTimeNanoseconds: Int64 = 3_600_000_000_000
}

extension VirtualMachine {
    /// The machine that was discovered, for one that is registered.
    init(_ state: ItemState, known: [VirtualMachine]) throws(KuraError) {
        guard let found = known.first(where: { $0.key == state.key }) else {
            throw KuraError(
                .notFound, "virtual machine \(state.machine) is gone: the last discovery did not "
                    + "find it in \(state.region)/\(state.cloudService)",
                remedy: .anyOf([.machine(.discover), .machine(.stop(state.machine))]))
        }
        self = found
    }
}
