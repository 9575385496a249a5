internal import KuraFormat
public import KuraIO
internal import KuraMachines
internal import KuraPolicy

/// A virtual machine as lists show it.
public struct MachineRow: Sendable {
    public var name: String
    public var cloudService: String
    public var region: String
    /// What commands call it: NAME, or CLOUD-SERVICE/NAME where the name alone is ambiguous.
    public var item: String
    /// Nil where it is not registered.
    public var vault: String?
    /// What Azure Backup calls it.
    public var status: String
    public var policy: String?
    /// Nanoseconds since 1970.
    public var lastBackup: Int64?
    public var points: Int
    public var disks: Int
    /// Nanoseconds since 1970; nil unless it is soft deleted.
    public var deletedUntil: Int64?
    public var comment: String?
    /// Whether the last discovery did not find it any more.
    public var isGone: Bool
    /// When the policy next has a run, in nanoseconds since 1970; nil unless it is protected.
    public var nextRun: Int64?
    /// Whether the policy's last run has no point, and no scheduler makes it now.
    public var isOverdue = false
}

/// Which machines a list shows.
public enum MachineFilter: Sendable {
    case all
    case registered
    case protected
    /// Registered and not yet protected: what `protect` offers.
    case protectable
}

extension Subscription {
    /// Virtual machines by region, cloud service and name.
    /// - Parameter vaultName: only those of this vault and of its region.
    public func machineRows(
        _ filter: MachineFilter, vault vaultName: String? = nil
    ) throws(KuraError) -> [MachineRow] {
        let discovered = try catalog().machines()
        var rows: [MachineRow] = []
        var seen = Set<MachineKey>()
        let place: VaultPlace? = if let vaultName { try self.place(named: vaultName) } else { nil }
        let items = try registeredItems(in: vaultName)
        for id in Set(items.map(\.place.record.id)) {
            let mine = items.filter { $0.place.record.id == id }
            guard let place = mine.first?.place else { continue }
            let points = try catalog().pointCounts(of: place.reading())
            let plan = try ScheduleView(of: place, in: self)
            for item in mine {
                seen.insert(item.state.key)
                let machine = discovered.first { $0.key == item.state.key }
                var row = row(item, points[item.item], disks: machine?.disks.count)
                try plan.complete(&row, for: item, in: self)
                rows.append(row)
            }
        }
        let modern = try regionsThatTakeEverything()
        for machine in discovered where !seen.contains(machine.key) {
            if let place, place.homeRegionName != machine.region { continue }
            let isAmbiguous = discovered.contains {
                $0.name == machine.name && $0.key != machine.key
            }
            let isSupported = machine.deploymentModel == .classic || modern.contains(machine.region)
            rows.append(
                MachineRow(
                    name: machine.name, cloudService: machine.cloudService, region: machine.region,
                    item: isAmbiguous
                        ? "\(machine.cloudService)/\(machine.name)" : machine.name, vault: nil,
                    status: isSupported ? "Not registered" : "Not supported", policy: nil,
                    lastBackup: nil, points: 0, disks: machine.disks.count, deletedUntil: nil,
                    comment: nil, isGone: false))
        }
        return rows.filter { $0.passes(filter) }.sorted {
            ($0.region, $0.cloudService, $0.name) < ($1.region, $1.cloudService, $1.name)
        }
    }

    /// Regions with a vault that supports resource-manager machines.
    private func regionsThatTakeEverything() throws(KuraError) -> Set<String> {
        var names = Set<String>()
        for place in try places() where place.isActiveReachable {
            if try settings(of: place.reading()).limits.supportsResourceManager {
                names.insert(place.homeRegionName)
            }
        }
        return names
    }

    private func row(
        _ found: RegisteredItem, _ points: PointCount?, disks: Int?
    ) -> MachineRow {
        let state = found.state
        let isPending = state.status == .protected && points == nil
        return MachineRow(
            name: state.machine, cloudService: state.cloudService, region: state.region,
            item: found.item, vault: found.place.name,
            status: isPending ? "Protected (initial backup pending)" : state.status.title,
            policy: state.policy, lastBackup: points?.newest, points: points?.points ?? 0,
            disks: disks ?? 0, deletedUntil: state.deletedUntil, comment: state.comment,
            isGone: disks == nil)
    }
}

extension MachineRow {
    func passes(_ filter: MachineFilter) -> Bool {
        switch filter {
        case .all: true
        case .registered: vault != nil
        case .protected: status.hasPrefix("Protected")
        case .protectable: status == "Registered"
        }
    }
}
