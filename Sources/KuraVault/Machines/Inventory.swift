internal import FoundationEssentials
public import KuraIO
package import KuraMachines
public import SystemPackage

extension Subscription {
    private static let inventoryKey = "inventory"
    private static let allowedKey = "inventory-allowed"

    /// The folder in which machines are discovered; nil where none was named.
    public func inventory() throws(KuraError) -> FilePath? {
        try catalog().value(Self.inventoryKey).map { FilePath($0) }
    }

    /// Directories, images and devices outside of the inventory that disks of machines may be in.
    public func allowedDisks() throws(KuraError) -> [FilePath] {
        guard let text = try catalog().value(Self.allowedKey) else { return [] }
        do {
            return try JSONDecoder().decode([String].self, from: Data(text.utf8))
                .map { FilePath($0) }
        } catch {
            throw KuraError(
                .damaged, "the list of allowed disks cannot be read",
                remedy: .home(.setInventory), cause: error)
        }
    }

    /// Names the folder in which machines are discovered.
    /// - Parameters:
    ///   - path: absolute, or relative to the caller's directory.
    ///   - allowed: what else disks of machines may be in, likewise; instead of what was allowed
    ///     before. Nil leaves that as it is.
    public func setInventory(
        _ path: FilePath, allowing allowed: [FilePath]? = nil
    ) throws(KuraError) -> FilePath {
        let path = context.resolve(path).lexicallyNormalized()
        // Looked at first, so that a wrong one leaves no trace.
        do throws(KuraError) {
            _ = try MachineInventory.scan(path)
        } catch {
            throw KuraError(
                error.code, error.message,
                remedy: .advice(
                    "give the path of a folder that has REGION/CLOUD-SERVICE/VM folders"),
                cause: error)
        }
        try catalog().setValue(path.string, for: Self.inventoryKey)
        if let allowed { try allow(allowed) }
        return path
    }

    private func allow(_ paths: [FilePath]) throws(KuraError) {
        let paths = paths.map { context.resolve($0).lexicallyNormalized().string }
        do {
            let text = String(decoding: try JSONEncoder().encode(paths), as: UTF8.self)
            try catalog().setValue(paths.isEmpty ? nil : text, for: Self.allowedKey)
        } catch {
            throw KuraError(error)
        }
    }

    /// Takes the folder over from an older catalog, also where it is not there now.
    package func keepInventory(_ path: FilePath) throws(KuraError) {
        try catalog().setValue(path.string, for: Self.inventoryKey)
    }

    /// A machine as it is at this moment: its folder is looked at again.
    package func current(_ machine: VirtualMachine) throws(KuraError) -> VirtualMachine {
        try MachineInventory.look(
            at: FilePath(machine.folder), region: machine.region,
            cloudService: machine.cloudService, name: machine.name)
    }

    /// The discovered machine with a name, or with CLOUD-SERVICE/NAME.
    /// - Parameter region: where machines of several regions have that name, the one that is meant.
    package func machine(
        _ reference: String, cloudService: String?, region: String? = nil
    ) throws(KuraError) -> VirtualMachine {
        let parts = reference.split(separator: "/", maxSplits: 1).map(String.init)
        let (name, service) =
            parts.count == 2
            ? (parts[1], parts[0]) : (reference, cloudService)
        let named = try catalog().machines().filter {
            $0.name == name && (service == nil || $0.cloudService == service)
                && (cloudService == nil || $0.cloudService == cloudService)
        }
        let near = named.filter { $0.region == region }
        let found = near.isEmpty ? named : near
        guard let first = found.first else {
            throw KuraError(
                .notFound,
                "no virtual machine \(reference) was discovered"
                    + (service.map { " in cloud service \($0)" } ?? ""),
                remedy: .steps([.machine(.discover), .machine(.list)]))
        }
        guard found.count == 1 else {
            let candidates = found.map { "\($0.cloudService)/\($0.name) in \($0.region)" }
            throw KuraError(
                .invalidInput,
                "there are \(found.count) virtual machines \(reference): "
                    + candidates.joined(separator: ", "),
                remedy: .machine(
                    Set(found.map(\.cloudService)).count == found.count
                        ? .chooseCloudService : .chooseVaultOfRegion))
        }
        return first
    }
}
