public import KuraIO
package import KuraMachines
internal import KuraPolicy

/// A registered machine with its vault.
public struct RegisteredItem: Sendable {
    public var item: String
    public var state: ItemState
    public var place: VaultPlace

    package init(item: String, state: ItemState, place: VaultPlace) {
        self.item = item
        self.state = state
        self.place = place
    }
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
    package func vault(
        for machine: VirtualMachine, named name: String?
    ) throws(KuraError) -> VaultPlace {
        if let name {
            let place = try place(named: name)
            guard [place.activeName, place.homeRegionName].contains(machine.region) else {
                throw KuraError(
                    .refused,
                    "\(machine.name) is in region \(machine.region), vault \(place.name) "
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
                .notFound,
                "there is no vault in region \(machine.region), where "
                    + "\(machine.name) is",
                remedy: .vault(.create(region: machine.region)))
        }
        guard candidates.count == 1 else {
            throw KuraError(
                .invalidInput,
                "region \(machine.region) has several vaults: "
                    + candidates.map(\.name).joined(separator: ", "),
                remedy: .vault(.choose))
        }
        return first
    }

    /// The region of a vault that may be named.
    package func region(ofVault name: String?) throws(KuraError) -> String? {
        guard let name else { return nil }
        return try place(named: name).homeRegionName
    }

    /// A registered machine by its item, its name, or CLOUD-SERVICE/NAME.
    public func registered(
        _ name: String, cloudService: String? = nil, vault: String? = nil
    ) throws(KuraError) -> RegisteredItem {
        let all = try registeredItems(in: vault)
        let byItem = all.filter {
            $0.item == name && (cloudService == nil || $0.state.cloudService == cloudService)
        }
        let found =
            byItem.isEmpty
            ? all.filter { known in
                let isNamed =
                    known.state.machine == name
                    || "\(known.state.cloudService)/\(known.state.machine)" == name
                return isNamed && (cloudService == nil || known.state.cloudService == cloudService)
            } : byItem
        guard let first = found.first else {
            if try isPlainItem(name, in: vault) {
                throw KuraError(
                    .notFound,
                    "item \(name) is no virtual machine; its recovery points follow "
                        + Policy.standardName,
                    remedy: .anyOf([
                        .point(.restoreItem(name)), .policy(.update(Policy.standardName)),
                    ]))
            }
            // One that was never discovered cannot be registered.
            _ = try machine(name, cloudService: cloudService)
            throw KuraError(
                .notFound, "no virtual machine \(name) is registered",
                remedy: .machine(.register(name)))
        }
        guard found.count == 1 else {
            throw KuraError(
                .invalidInput,
                "\(name) is registered more than once: "
                    + found.map { "\($0.state.cloudService)/\($0.state.machine)" }
                    .joined(separator: ", "), remedy: .machine(.chooseCloudService))
        }
        return first
    }
}

extension Subscription {
    /// Whether there are recovery points of an item that no machine stands for.
    private func isPlainItem(_ name: String, in vault: String?) throws(KuraError) -> Bool {
        let searched = if let vault { [try place(named: vault)] } else { try places() }
        for place in searched where place.isActiveReachable {
            if try pointCounts(of: place.reading())[name] != nil { return true }
        }
        return false
    }
}

extension ItemState {
    package var key: MachineKey {
        MachineKey(region: region, cloudService: cloudService, name: machine)
    }
}

extension ItemState.Status {
    /// What Azure Backup calls the status. For a protected item without a point the caller adds
    /// that the initial backup is pending.
    public var title: String {
        switch self {
        case .registered: "Registered"
        case .protected: "Protected"
        case .stoppedRetaining, .stoppedPerPolicy: "Protection stopped"
        case .softDeleted: "Soft deleted"
        }
    }
}
