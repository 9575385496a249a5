public import KuraIO
public import KuraMachines
internal import KuraVault
internal import SystemPackage

/// What a discovery found.
public struct DiscoveryReport: Sendable {
    public var machines: [VirtualMachine]
    public var new: [MachineKey]
    public var changed: [MachineKey]
    public var vanished: [MachineKey]
    public var problems: [InventoryProblem]
}

extension Operations {
    /// Finds the subscription's machines, and what is new, changed or gone. Runs as a job.
    public func discover() throws(KuraError) -> DiscoveryReport {
        let root = try requiredInventory()
        return try withJob(.discover) { job throws(KuraError) in
            let found = try MachineInventory.scan(root)
            for problem in found.problems { job.warn("\(problem.path): \(problem.message)") }
            let known = try subscription.catalog().machines()
            let now = Dictionary(uniqueKeysWithValues: found.machines.map { ($0.key, $0) })
            let before = Dictionary(uniqueKeysWithValues: known.map { ($0.key, $0) })
            // What lies in a folder that cannot be read is not gone.
            let unreadable = found.problems.map { FilePath($0.path) }
            let vanished = before.filter { key, machine in
                now[key] == nil
                    && !unreadable.contains { FilePath(machine.folder).starts(with: $0) }
            }
            try subscription.catalog().replaceMachines(
                removing: vanished.keys.map { $0 }, with: found.machines, at: context.clock.now())
            return DiscoveryReport(
                machines: found.machines, new: now.keys.filter { before[$0] == nil }.sorted(),
                changed: now.filter { before[$0.key] != nil && before[$0.key] != $0.value }
                    .keys.sorted(), vanished: vanished.keys.sorted(), problems: found.problems)
        }.value
    }

    private func requiredInventory() throws(KuraError) -> FilePath {
        guard let path = try subscription.inventory() else {
            throw KuraError(
                .invalidInput, "no inventory folder is set",
                remedy: .home(.setInventory))
        }
        return path
    }
}
