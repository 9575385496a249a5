public import KuraIO
public import KuraMachines
internal import KuraStore
public import SystemPackage

/// What a discovery found.
public struct DiscoveryReport: Sendable {
    public var machines: [VirtualMachine]
    public var new: [MachineKey]
    public var changed: [MachineKey]
    public var vanished: [MachineKey]
    public var problems: [InventoryProblem]
}

extension Subscription {
    private static let inventoryKey = "inventory"

    /// The folder in which machines are discovered; nil where none was named.
    public func inventory() throws(KuraError) -> FilePath? {
        try catalog().value(Self.inventoryKey).map { FilePath($0) }
    }

    /// Names the folder in which machines are discovered.
    /// - Parameter path: absolute, or relative to the caller's directory.
    public func setInventory(_ path: FilePath) throws(KuraError) -> FilePath {
        let path = context.resolve(path).lexicallyNormalized()
        // Looked at first, so that a wrong one leaves no trace.
        _ = try MachineInventory.scan(path)
        try catalog().setValue(path.string, for: Self.inventoryKey)
        return path
    }

    private func requiredInventory() throws(KuraError) -> FilePath {
        guard let path = try inventory() else {
            throw KuraError(
                .invalidInput, "no inventory folder is set",
                remedy: .home(.setInventory))
        }
        return path
    }

    /// Finds the subscription's machines, and what is new, changed or gone. Runs as a job.
    public func discover() throws(KuraError) -> DiscoveryReport {
        let root = try requiredInventory()
        return try runJob(.discover) { run throws(KuraError) in
            let found = try MachineInventory.scan(root)
            for problem in found.problems { run.warn("\(problem.path): \(problem.message)") }
            let known = try catalog().machines()
            let now = Dictionary(uniqueKeysWithValues: found.machines.map { ($0.key, $0) })
            let before = Dictionary(uniqueKeysWithValues: known.map { ($0.key, $0) })
            // What lies in a folder that cannot be read is not gone.
            let unreadable = found.problems.map { FilePath($0.path) }
            let vanished = before.filter { key, machine in
                now[key] == nil
                    && !unreadable.contains { FilePath(machine.folder).starts(with: $0) }
            }
            try catalog().replaceMachines(
                removing: vanished.keys.map { $0 }, with: found.machines, at: context.clock.now())
            return DiscoveryReport(
                machines: found.machines, new: now.keys.filter { before[$0] == nil }.sorted(),
                changed: now.filter { before[$0.key] != nil && before[$0.key] != $0.value }
                    .keys.sorted(), vanished: vanished.keys.sorted(), problems: found.problems)
        }.value
    }

    /// A machine as it is at this moment: its folder is looked at again.
    func current(_ machine: VirtualMachine) throws(KuraError) -> VirtualMachine {
        try MachineInventory.look(
            at: FilePath(machine.folder), region: machine.region,
            cloudService: machine.cloudService, name: machine.name)
    }

    /// The discovered machine with a name, or with CLOUD-SERVICE/NAME.
    /// - Parameter region: where machines of several regions have that name, the one that is meant.
    func machine(
        _ reference: String, cloudService: String?, region: String? = nil
    ) throws(KuraError) -> VirtualMachine {
        let parts = reference.split(separator: "/", maxSplits: 1).map(String.init)
        let (name, service) = parts.count == 2
            ? (parts[1], parts[0]) : (reference, cloudService)
        let named = try catalog().machines().filter {
            $0.name == name && (service == nil || $0.cloudService == service)
                && (cloudService == nil || $0.cloudService == cloudService)
        }
        let near = named.filter { $0.region == region }
        let found = near.isEmpty ? named : near
        guard let first = found.first else {
            throw KuraError(
                .notFound, "no virtual machine \(reference) was discovered"
                    + (service.map { " in cloud service \($0)" } ?? ""),
                remedy: .steps([.machine(.discover), .machine(.list)]))
        }
        guard found.count == 1 else {
            let candidates = found.map { "\($0.cloudService)/\($0.name) in \($0.region)" }
            throw KuraError(
                .invalidInput, "there are \(found.count) virtual machines \(reference): "
                    + candidates.joined(separator: ", "),
                remedy: .machine(
                    Set(found.map(\.cloudService)).count == found.count
                        ? .chooseCloudService : .chooseVaultOfRegion))
        }
        return first
    }
}
