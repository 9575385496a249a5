internal import KuraIO
internal import KuraMachines
internal import KuraPolicy
internal import KuraStore
internal import KuraVault

/// Why a machine is backed up now.
public struct BackupOccasion: Sendable {
    /// The scheduled run that is due, in nanoseconds since 1970; nil for a backup on demand.
    public var run: Int64?
    /// Until when a backup on demand is kept, likewise; nil for as long as the policy says.
    public var retainUntil: Int64?
    /// Whether a disk may be much smaller than in the newest point, or have no bytes.
    public var allowsShrinking = false
    /// Whether the point goes to the paired region within the job; a caller that runs several jobs
    /// replicates once for all of them.
    public var replicates = true

    public static let onDemand = BackupOccasion()

    public init(run: Int64? = nil, retainUntil: Int64? = nil) {
        self.run = run
        self.retainUntil = retainUntil
    }
}

extension Operations {
    /// Backs up a protected machine: `backup` with the machine's disks, frozen where it has hooks.
    ///
    /// The outcome has the error, and the job that failed with it.
    public func backUp(
        _ name: String, cloudService: String? = nil, vault: String? = nil,
        _ occasion: BackupOccasion = .onDemand
    ) -> MachineOutcome {
        outcome(name) { outcome throws(KuraError) in
            let found = try subscription.registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            let id = Guarded<String?>(nil)
            defer { outcome.job = id.read() }
            var request = ItemBackup(found.place, item: found.item) { job throws(KuraError) in
                id.update { $0 = job.id }
                return try prepare(found, for: occasion, job)
            }
            request.allowsShrinking = occasion.allowsShrinking
            request.replication = occasion.replicates ? .wherePaired : .never
            let report = try backup(request)
            (outcome.report, outcome.warnings) = (report.made, report.warnings)
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

    /// Opens the machine's disks, frozen where that is possible.
    private func prepare(
        _ found: RegisteredItem, for occasion: BackupOccasion, _ job: OperationJob
    ) throws(KuraError) -> PreparedDisks {
        guard found.state.status == .protected else {
            throw KuraError(
                .refused,
                "\(found.item) is not protected: its status is "
                    + "\"\(found.state.status.title)\"",
                remedy: Self.protectionRemedy(found.item, found.state))
        }
        job.describe(occasion.run == nil ? "on demand" : "scheduled")
        let vault = try found.place.writing()
        // Held before anything is frozen: a second backup would thaw what this one reads.
        // A scheduled run does not wait: its thread has other runs to make.
        let policy = context.waits.until(job.cancellation)
        let lock = try vault.leaseMachine(
            of: found.item, for: "backup", occasion.run == nil ? policy : policy.once)
        do throws(KuraError) {
            // One time for both: until when the point is kept is counted from its own time.
            let time = context.clock.now()
            let tags = try tags(of: found, for: occasion, in: vault, at: time)
            job.run.begin(task: 0)
            let machine = try subscription.current(
                VirtualMachine(found.state, known: subscription.catalog().machines()))
            let source = try MachineSource(
                machine, of: found, in: DiskPlaces(allowed: subscription.allowedDisks()), job,
                for: context)
            var prepared = PreparedDisks(source.disks)
            prepared.readings = source.readings
            prepared.areNamedByMachine = true
            prepared.shrinkRemedy = .machine(.allowShrinking(found.item))
            // A running machine writes to its disks. It was frozen, or its point says that it is
            // crash-consistent only.
            prepared.liveDisks = machine.power == .running ? .expected : .warnedOf
            prepared.rawRemedy = .advice(
                "to take its bytes as they are, give the disk \"format\": \"raw\" in vm.json")
            prepared.consistency = source.consistency
            prepared.confirmConsistency = { source.letGo() }
            prepared.tags = tags
            prepared.time = time
            prepared.made = { _ throws(KuraError) in
                try keep(machine, usedAgent: source.usedAgent, of: found, in: vault)
            }
            prepared.release = {
                source.release()
                lock.release()
            }
            return prepared
        } catch {
            lock.release()
            throw error
        }
    }

    /// Enters in the vault what the backup learned of its machine.
    private func keep(
        _ machine: VirtualMachine, usedAgent: Bool, of found: RegisteredItem, in vault: Vault
    ) throws(KuraError) {
        var state = found.state
        state.keepLayout(of: machine)
        if usedAgent { state.hasExtension = true }
        guard state != found.state else { return }
        let operation =
            state.hasExtension == found.state.hasExtension
            ? "UpdateItem" : "InstallExtension"
        try subscription.change(vault, by: operation) { settings throws(KuraError) in
            settings.items[found.item]?.hasExtension = state.hasExtension
            settings.items[found.item]?.luns = state.luns
        }
    }
}

extension VirtualMachine {
    /// The machine that was discovered, for one that is registered.
    init(_ state: ItemState, known: [VirtualMachine]) throws(KuraError) {
        guard let found = known.first(where: { $0.key == state.key }) else {
            throw KuraError(
                .notFound,
                "virtual machine \(state.machine) is gone: the last discovery did not "
                    + "find it in \(state.region)/\(state.cloudService)",
                remedy: .anyOf([.machine(.discover), .machine(.stop(state.machine))]))
        }
        self = found
    }
}
