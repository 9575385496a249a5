internal import KuraFormat
public import KuraIO
internal import KuraMachines
internal import KuraPolicy
public import KuraStore

/// What one machine of several came to.
public struct MachineOutcome: Sendable {
    /// As the caller named it.
    public var name: String
    /// The item; nil where there is none.
    public var item: String?
    public var job: String?
    public var warnings: [Warning] = []
    public var error: KuraError?
    /// Of a backup.
    public var report: BackupReport?
}

/// A registered machine with its vault.
public struct RegisteredItem: Sendable {
    public var item: String
    public var state: ItemState
    public var place: VaultPlace
}

extension Subscription {
    /// Machines that a vault knows, of all vaults or of one.
    public func registeredItems(in only: String? = nil) throws(KuraError) -> [RegisteredItem] {
        var found: [RegisteredItem] = []
        let searched = if let only { [try place(named: only)] } else { try places() }
        for place in searched {
            guard place.isActiveReachable || only != nil else { continue }
            let settings = try settings(of: place.reading())
            for (item, state) in settings.items.sorted(by: { $0.key < $1.key }) {
                found.append(RegisteredItem(item: item, state: state, place: place))
            }
        }
        return found
    }

    /// The vault for a machine: the one that is named, else the only one of its region.
    func vault(for machine: VirtualMachine, named name: String?) throws(KuraError) -> VaultPlace {
        if let name {
            let place = try place(named: name)
            guard [place.activeName, place.homeRegionName].contains(machine.region) else {
                throw KuraError(
                    .refused, "\(machine.name) is in region \(machine.region), vault \(place.name) "
                        + "in \(place.homeRegionName): a vault backs up machines of its own region",
                    remedy: .anyOf([
                        .advice("use a vault in \(machine.region)"),
                        .vault(.create(region: machine.region)),
                    ]))
            }
            return place
        }
        let candidates = try places().filter { $0.homeRegionName == machine.region }
        guard let first = candidates.first else {
            throw KuraError(
                .notFound, "there is no vault in region \(machine.region), where "
                    + "\(machine.name) is",
                remedy: .vault(.create(region: machine.region)))
        }
        guard candidates.count == 1 else {
            throw KuraError(
                .invalidInput, "region \(machine.region) has several vaults: "
                    + candidates.map(\.name).joined(separator: ", "),
                remedy: .vault(.choose))
        }
        return first
    }

    /// Registers machines with a vault, one job each. One that fails does not stop the others.
    public func register(
        _ names: [String], cloudService: String? = nil, vault: String? = nil
    ) -> [MachineOutcome] {
        names.map { name in
            outcome(name) { outcome throws(KuraError) in
                let machine = try machine(
                    name, cloudService: cloudService, region: self.region(ofVault: vault))
                outcome.item = try itemName(of: machine)
                let place: VaultPlace
                do throws(KuraError) {
                    place = try self.vault(for: machine, named: vault)
                } catch {
                    // A job of its own all the same: it failed.
                    _ = try runJob(
                        .register, vault: vault ?? "", item: machine.name,
                        started: { outcome.job = $0 }
                    ) { _ throws(KuraError) in throw error }
                    return
                }
                try register(machine, in: place, &outcome)
            }
        }
    }

    /// The region of a vault that may be named.
    func region(ofVault name: String?) throws(KuraError) -> String? {
        guard let name else { return nil }
        return try place(named: name).homeRegionName
    }

    /// Runs `body` and keeps its error.
    func outcome(
        _ name: String, _ body: (inout MachineOutcome) throws(KuraError) -> Void
    ) -> MachineOutcome {
        var outcome = MachineOutcome(name: name)
        do throws(KuraError) {
            try body(&outcome)
        } catch {
            outcome.error = error
        }
        return outcome
    }

    private func register(
        _ machine: VirtualMachine, in place: VaultPlace, _ outcome: inout MachineOutcome
    ) throws(KuraError) {
        let vault = try place.writing()
        let item = outcome.item ?? machine.name
        let done = try runJob(
            .register, vault: place.name, item: item, started: { outcome.job = $0 }
        ) { run throws(KuraError) in
            run.begin(task: 0)
            let machine = try current(machine)
            let status = AgentStatus(of: machine)
            try status.requireNotUpdating(machine)
            if status != .ready, status != .machineStopped {
                throw KuraError(
                    .refused, status.reason(for: machine) ?? "the agent is not ready",
                    remedy: .advice("install the agent in \(machine.name), then register it again"))
            }
            run.begin(task: 1)
            try requireUnregistered(machine)
            try change(vault, "Register", note: "job \(run.id)") {
                settings throws(KuraError) in
                try Self.requireSupported(machine, settings)
                guard settings.items.count < settings.limits.machinesPerVault else {
                    throw KuraError(
                        .refused, "vault \(place.name) has \(settings.items.count) virtual "
                            + "machines, the most that a vault may have",
                        remedy: .advice("use another vault in \(machine.region)"))
                }
                var state = ItemState(
                    machine: machine.name, cloudService: machine.cloudService,
                    region: machine.region)
                state.hasExtension = status == .ready
                state.keepLayout(of: machine)
                settings.items[item] = state
            }
            try catalog().forgetSchedule(of: item, in: vault.id)
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
            .refused, "\(machine.name) was made by the resource manager, which the profile "
                + "\(settings.limits.profile) does not support",
            remedy: .anyOf([
                .advice("use a vault with the modern profile"), .vault(.create(profile: "modern")),
            ]))
    }

    /// A machine belongs to one vault at most.
    private func requireUnregistered(_ machine: VirtualMachine) throws(KuraError) {
        for known in try registeredItems() where known.state.key == machine.key {
            throw KuraError(
                .exists, "\(machine.name) is registered with vault \(known.place.name) already",
                remedy: .machine(.listRegistered))
        }
    }

    /// NAME, or CLOUD-SERVICE/NAME where another machine of the subscription has the same name.
    private func itemName(of machine: VirtualMachine) throws(KuraError) -> String {
        let others = try catalog().machines().filter {
            $0.name == machine.name && $0.key != machine.key
        }
        let taken = try registeredItems().contains {
            $0.item == machine.name && $0.state.key != machine.key
        }
        return others.isEmpty && !taken ? machine.name : "\(machine.cloudService)/\(machine.name)"
    }

    /// Takes a machine out of its vault. Refused while it is protected or has recovery points.
    public func unregister(
        _ name: String, cloudService: String? = nil, vault: String? = nil
    ) -> MachineOutcome {
        outcome(name) { outcome throws(KuraError) in
            let found = try registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            let vault = try found.place.writing()
            let done = try runJob(
                .unregister, vault: found.place.name, item: found.item,
                started: { outcome.job = $0 }
            ) { run throws(KuraError) in
                let points = try catalog().pointCounts(of: vault)[found.item]?.points ?? 0
                try change(vault, "Unregister", note: "job \(run.id)") {
                    settings throws(KuraError) in
                    guard let state = settings.items[found.item] else { return }
                    guard state.status == .registered, points == 0 else {
                        let held = "\(points) recovery point\(points == 1 ? "" : "s")"
                        throw KuraError(
                            .refused, "\(found.item) is \(state.status.title.lowercased()) and has "
                                + held,
                            remedy: Self.removalRemedy(found.item, state, settings.limits))
                    }
                    settings.items[found.item] = nil
                }
            }
            outcome.warnings = done.warnings
        }
    }

    /// What makes a vault forget an item.
    static func removalRemedy(
        _ item: String, _ state: ItemState, _ limits: PolicyLimits
    ) -> Remedy {
        switch state.status {
        case .registered: .machine(.unregister(item))
        case .protected, .stoppedRetaining, .stoppedPerPolicy:
            .machine(.deleteData(item))
        case .softDeleted where limits.softDeleteIsAlwaysOn:
            .steps([
                .advice("wait until its \(limits.softDeleteDays) days are over"), .vault(.prune()),
            ])
        case .softDeleted:
            .steps([.machine(.deleteData(item, atOnce: true)), .vault(.prune())])
        }
    }

    /// A registered machine by its item, its name, or CLOUD-SERVICE/NAME.
    public func registered(
        _ name: String, cloudService: String? = nil, vault: String? = nil
    ) throws(KuraError) -> RegisteredItem {
        let all = try registeredItems(in: vault)
        let byItem = all.filter {
            $0.item == name && (cloudService == nil || $0.state.cloudService == cloudService)
        }
        let found = byItem.isEmpty ? all.filter { known in
            let isNamed = known.state.machine == name
                || "\(known.state.cloudService)/\(known.state.machine)" == name
            return isNamed && (cloudService == nil || known.state.cloudService == cloudService)
        } : byItem
        guard let first = found.first else {
            throw KuraError(
                .notFound, "no virtual machine \(name) is registered",
                remedy: .machine(.register(name)))
        }
        guard found.count == 1 else {
            throw KuraError(
                .invalidInput, "\(name) is registered more than once: "
                    + found.map { "\($0.state.cloudService)/\($0.state.machine)" }
                    .joined(separator: ", "), remedy: .machine(.chooseCloudService))
        }
        return first
    }
}

extension ItemState {
    var key: MachineKey {
        MachineKey(region: region, cloudService: cloudService, name: machine)
    }
}

extension ItemState.Status {
    /// The words of the contract; a protected item without a point is told apart by the caller.
    public var title: String {
        switch self {
        case .registered: "Registered"
        case .protected: "Protected"
        case .stoppedRetaining, .stoppedPerPolicy: "Protection stopped"
        case .softDeleted: "Soft deleted"
        }
    }
}
