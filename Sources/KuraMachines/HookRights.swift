internal import Glibc
public import KuraIO
internal import SystemPackage

/// With whose rights the hooks of a machine run.
public enum HookRights: Equatable, Sendable {
    /// Those of this process: only root and its user can change what the hooks do.
    case own
    /// Those of the user that the machine's folder belongs to.
    case owner(FileUser)
    /// None, because of what the text says.
    case refused(String)

    /// Looks at everything that decides what the hooks do: each folder from the inventory's down,
    /// all above it, the vm.json, and both programs.
    /// - Parameter path: the directories in which programs without a slash are looked for.
    public static func find(
        _ machine: VirtualMachine, _ quiesce: VirtualMachine.Quiesce, path: String
    ) -> HookRights {
        do throws(IOError) {
            let user = Process.userID
            guard let foothold = try Self.foothold(machine, quiesce, for: user, path: path) else {
                return .own
            }
            let folder = FilePath(machine.folder)
            let owner = try LocalFileSystem().status(folder).owner
            guard user == 0, owner != 0, let known = FileUser(id: owner) else {
                return .refused("\(foothold)")
            }
            if let other = try Self.foothold(machine, quiesce, for: owner, path: path) {
                return .refused("\(other)")
            }
            return .owner(known)
        } catch {
            return .refused("\(error)")
        }
    }

    private static func foothold(
        _ machine: VirtualMachine, _ quiesce: VirtualMachine.Quiesce, for user: UInt32,
        path: String
    ) throws(IOError) -> Foothold? {
        let fileSystem = LocalFileSystem()
        let folder = FilePath(machine.folder)
        var looked = [folder]
        // REGION/CLOUD-SERVICE/MACHINE, and the inventory.
        for _ in 0..<3 { looked.append(looked[looked.count - 1].removingLastComponent()) }
        looked.append(folder.appending(MachineFile.name))
        for command in [quiesce.freeze, quiesce.thaw] {
            if let program = Self.program(command.first ?? "", in: folder, path) {
                looked.append(program)
            }
        }
        for place in looked {
            if let found = try fileSystem.foothold(on: place, for: user) { return found }
        }
        return nil
    }

    /// Nil where there is none: then it cannot be started either.
    private static func program(
        _ name: String, in folder: FilePath, _ path: String
    ) -> FilePath? {
        if name.contains("/") { return folder.pushing(FilePath(name)) }
        return path.split(separator: ":").map { FilePath("\($0)/\(name)") }.first {
            access($0.string, X_OK) == 0
        }
    }
}
