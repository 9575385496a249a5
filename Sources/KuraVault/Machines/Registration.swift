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
    public var warnings: [String] = []
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
                    remedy: "use a vault in \(machine.region): kura vault create NAME --region "
                        + machine.region)
            }
            return place
        }
        let candidates = try places().filter { $0.homeRegionName == machine.region }
        guard let first = candidates.first else {
            throw KuraError(
                .notFound, "there is no vault in region \(machine.region), where "
                    + "\(machine.name) is",
                remedy: "run: kura vault create NAME --region \(machine.region)")
        }
        guard candidates.count == 1 else {
            throw KuraError(
                .invalidInput, "region \(machine.region) has several vaults: "
                    + candidates.map(\.name).joined(separator: ", "),
                remedy: "name one with --vault")
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
                    remedy: "install the agent in \(machine.name), then register it again")
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
                        remedy: "use another vault in \(machine.region)")
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
            remedy: "use a vault with the modern profile: kura vault create NAME --profile modern")
    }

    /// A machine belongs to one vault at most.
    private func requireUnregistered(_ machine: VirtualMachine) throws(KuraError) {
        for known in try registeredItems() where known.state.key == machine.key {
            throw KuraError(
                .exists, "\(machine.name) is registered with vault \(known.place.name) already",
                remedy: "see: kura vm list --registered")
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
                            remedy: Self.wayOut(found.item, state, settings.limits))
                    }
                    settings.items[found.item] = nil
                }
            }
            outcome.warnings = done.warnings
        }
    }

    /// The commands after which a vault knows an item no more.
    static func wayOut(_ item: String, _ state: ItemState, _ limits: PolicyLimits) -> String {
        switch state.status {
        case .registered: "kura vm unregister \(item)"
        case .protected, .stoppedRetaining, .stoppedPerPolicy:
            "kura vm stop \(item) --delete-data"
        case .softDeleted where limits.softDeleteIsAlwaysOn:
            "wait until its \(limits.softDeleteDays) days are over, then: kura prune"
        case .softDeleted: "kura vm stop \(item) --delete-data --at-once, then: kura prune"
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
                remedy: "run: kura vm register \(name)")
        }
        guard found.count == 1 else {
            throw KuraError(
                .invalidInput, "\(name) is registered more than once: "
                    + found.map { "\($0.state.cloudService)/\($0.state.machine)" }
                    .joined(separator: ", "), remedy: "tell them apart with --cloud-service")
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
