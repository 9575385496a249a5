internal import KuraIO
internal import KuraMachines
internal import KuraPolicy
internal import KuraStore
internal import KuraVault

extension Operations {
    /// Registers machines with a vault, one job each. One that fails does not stop the others.
    public func register(
        _ names: [String], cloudService: String? = nil, vault: String? = nil
    ) -> [MachineOutcome] {
        names.map { name in
            outcome(name) { outcome throws(KuraError) in
                let machine = try subscription.machine(
                    name, cloudService: cloudService, region: subscription.region(ofVault: vault))
                outcome.item = try itemName(of: machine)
                let place: VaultPlace
                do throws(KuraError) {
                    place = try subscription.vault(for: machine, named: vault)
                } catch {
                    // A job of its own all the same: it failed.
                    _ = try withJob(
                        .register, vault: vault ?? "", item: machine.name
                    ) { job throws(KuraError) in
                        outcome.job = job.id
                        throw error
                    }
                    return
                }
                try register(machine, in: place, &outcome)
            }
        }
    }

    private func register(
        _ machine: VirtualMachine, in place: VaultPlace, _ outcome: inout MachineOutcome
    ) throws(KuraError) {
        let vault = try place.writing()
        let item = outcome.item ?? machine.name
        let done = try withJob(
            .register, vault: place.name, item: item
        ) { job throws(KuraError) in
            outcome.job = job.id
            job.run.begin(task: 0)
            let machine = try subscription.current(machine)
            let status = AgentStatus(of: machine)
            try status.requireNotUpdating(machine)
            if status != .ready, status != .machineStopped {
                throw KuraError(
                    .refused, status.reason(for: machine) ?? "the agent is not ready",
                    remedy: .advice("install the agent in \(machine.name), then register it again"))
            }
            job.run.begin(task: 1)
            let note = "job \(job.id)"
            if let known = try registered(machine, in: place) {
                outcome.item = known
                try subscription.change(vault, by: "Register", note: note) {
                    settings throws(KuraError) in
                    guard var state = settings.items[known] else { return }
                    state.register(machine)
                    settings.items[known] = state
                }
                return
            }
            try subscription.change(vault, by: "Register", note: note) {
                settings throws(KuraError) in
                try Self.requireSupported(machine, settings)
                guard settings.items.count < settings.limits.machinesPerVault else {
                    throw KuraError(
                        .refused,
                        "vault \(place.name) has \(settings.items.count) virtual "
                            + "machines, the most that a vault may have",
                        remedy: .advice("use another vault in \(machine.region)"))
                }
                var state = ItemState(
                    machine: machine.name, cloudService: machine.cloudService,
                    region: machine.region)
                state.hasExtension = status == .ready
                state.register(machine)
                settings.items[item] = state
            }
            try subscription.catalog().forgetSchedule(of: item, in: vault.id)
        }
        outcome.warnings = done.warnings
    }

    static func requireSupported(
        _ machine: VirtualMachine, _ settings: VaultSettings
    ) throws(KuraError) {
        guard machine.deploymentModel == .resourceManager,
            !settings.limits.supportsResourceManager
        else { return }
        throw KuraError(
            .refused,
            "\(machine.name) was made by the resource manager, which the profile "
                + "\(settings.limits.profile) does not support",
            remedy: .anyOf([
                .advice("use a vault with the modern profile"), .vault(.create(profile: "modern")),
            ]))
    }

    /// A machine belongs to one vault at most. Registered again with the same vault, it can take
    /// other commands that freeze and thaw it.
    /// - Returns: its item, where its commands are others than those that were registered.
    private func registered(
        _ machine: VirtualMachine, in place: VaultPlace
    ) throws(KuraError) -> String? {
        for known in try subscription.registeredItems() where known.state.key == machine.key {
            let hooks = machine.quiesce.map { ItemState.Hooks($0) }
            let isSame = known.place.name == place.name
            if isSame, known.state.status != .softDeleted, known.state.hooks != hooks {
                return known.item
            }
            throw KuraError(
                .exists, "\(machine.name) is registered with vault \(known.place.name) already",
                remedy: .machine(.listRegistered))
        }
        return nil
    }

    /// NAME, or CLOUD-SERVICE/NAME where another machine of the subscription has the same name.
    private func itemName(of machine: VirtualMachine) throws(KuraError) -> String {
        let others = try subscription.catalog().machines().filter {
            $0.name == machine.name && $0.key != machine.key
        }
        let taken = try subscription.registeredItems().contains {
            $0.item == machine.name && $0.state.key != machine.key
        }
        return others.isEmpty && !taken ? machine.name : "\(machine.cloudService)/\(machine.name)"
    }
}
