public import KuraIO
internal import KuraImages
public import SystemPackage

/// What was found in an inventory folder.
public struct InventoryReport: Sendable {
    /// By region, cloud service and name.
    public var machines: [VirtualMachine] = []
    /// Folders and files that could not be read; other machines are found all the same.
    public var problems: [InventoryProblem] = []
}

public struct InventoryProblem: Sendable, Equatable {
    public var path: String
    public var message: String
}

/// The folder in which virtual machines are discovered: REGION/CLOUD-SERVICE/MACHINE/.
public enum MachineInventory {
    /// Looks at every machine. Reads vm.json files and names of disks; and of files beside them
    /// the first bytes, to tell of images in formats that are not taken.
    /// - Throws: when the folder itself cannot be read.
    public static func scan(_ root: FilePath) throws(KuraError) -> InventoryReport {
        let fileSystem = LocalFileSystem()
        var report = InventoryReport()
        for region in try folders(in: root, fileSystem, &report, isRoot: true) {
            for service in try folders(in: root.appending(region), fileSystem, &report) {
                let path = root.appending(region).appending(service)
                for name in try folders(in: path, fileSystem, &report) {
                    let folder = path.appending(name)
                    do throws(KuraError) {
                        report.machines.append(
                            try machine(
                                name, region: region, service: service, in: folder,
                                fileSystem
                            ) { report.problems.append($0) })
                    } catch {
                        report.problems.append(
                            InventoryProblem(path: folder.string, message: error.message))
                    }
                }
            }
        }
        return report
    }

    /// One machine, as it is now.
    /// - Throws: `notFound` when its folder is gone.
    public static func look(
        at folder: FilePath, region: String, cloudService: String, name: String
    ) throws(KuraError) -> VirtualMachine {
        let fileSystem = LocalFileSystem()
        let exists: Bool
        do throws(IOError) {
            exists = try fileSystem.exists(folder)
        } catch {
            throw KuraError(io: error)
        }
        guard exists else {
            throw KuraError(
                .notFound, "virtual machine \(name) is gone: there is no \(folder)",
                remedy: .anyOf([.machine(.discover), .machine(.stop(name))]))
        }
        return try machine(name, region: region, service: cloudService, in: folder, fileSystem)
    }

    /// Names of folders, in order; hidden ones and files are passed over.
    private static func folders(
        in path: FilePath, _ fileSystem: LocalFileSystem, _ report: inout InventoryReport,
        isRoot: Bool = false
    ) throws(KuraError) -> [String] {
        do throws(IOError) {
            var names: [String] = []
            for name in try fileSystem.list(path).sorted() where !name.hasPrefix(".") {
                let entry = path.appending(name)
                do throws(IOError) {
                    guard try fileSystem.status(entry).kind == .directory else { continue }
                    if fileSystem.isLink(entry) {
                        report.problems.append(
                            InventoryProblem(
                                path: entry.string,
                                message: "a symbolic link: put the folder itself there"))
                    } else {
                        names.append(name)
                    }
                } catch {
                    report.problems.append(
                        InventoryProblem(path: entry.string, message: "\(error)"))
                }
            }
            return names
        } catch {
            if isRoot {
                throw KuraError(
                    .notFound, "the inventory \(path) cannot be read: \(error)",
                    remedy: .home(.setInventory), cause: error)
            }
            report.problems.append(InventoryProblem(path: path.string, message: "\(error)"))
            return []
        }
    }

    /// - Parameter note: told of images that are not taken; nil where nothing looks for them.
    private static func machine(
        _ name: String, region: String, service: String, in folder: FilePath,
        _ fileSystem: LocalFileSystem, noting note: ((InventoryProblem) -> Void)? = nil
    ) throws(KuraError) -> VirtualMachine {
        for part in [service, name] { try Name.check(part, what: "a virtual machine") }
        try Name.checkItem("\(service)/\(name)")
        let path = folder.appending(MachineFile.name)
        let isDescribed: Bool
        do throws(IOError) {
            // A link that leads nowhere is one that cannot be read, not none.
            isDescribed = fileSystem.isLink(path) ? true : try fileSystem.exists(path)
        } catch {
            throw KuraError(io: error)
        }
        let file = isDescribed ? try MachineFile.parse(readFile(path, fileSystem)) : nil
        var disks: [VirtualMachine.Disk] = []
        if let described = file?.disks {
            for disk in described { disks.append(try resolved(disk, folder)) }
        } else {
            disks = try imagesInOrder(folder, fileSystem, noting: note)
        }
        try check(disks)
        return VirtualMachine(
            region: region, cloudService: service, name: name, folder: folder.string,
            power: file?.power ?? .stopped, system: file?.system ?? .linux,
            deploymentModel: file?.deploymentModel ?? .classic, agent: file?.agent ?? .absent,
            quiesce: file?.quiesce, disks: disks)
    }

    private static func readFile(
        _ path: FilePath, _ fileSystem: LocalFileSystem
    ) throws(KuraError) -> [UInt8] {
        do throws(IOError) {
            return try fileSystem.contents(path, max: MachineFile.byteCountMax)
        } catch {
            throw KuraError(io: error)
        }
    }

    /// A relative path stays inside. An absolute one may be anywhere here: `DiskPlaces` says
    /// whether the disk there may be read.
    private static func resolved(
        _ disk: VirtualMachine.Disk, _ folder: FilePath
    ) throws(KuraError) -> VirtualMachine.Disk {
        func resolved(_ text: String) throws(KuraError) -> String {
            let path = FilePath(text)
            let leadsUp = path.components.contains { $0.kind == .parentDirectory }
            guard !leadsUp, !path.isEmpty else {
                throw KuraError(
                    .invalidInput,
                    "disk \(disk.name.prefix(80)) is outside the machine's folder",
                    remedy: .advice("give an absolute path"))
            }
            return folder.pushing(path).string
        }
        var disk = disk
        disk.path = try resolved(disk.path)
        disk.chain = try disk.chain?.map { path throws(KuraError) in try resolved(path) }
        return disk
    }

    private static let rawEndings: Set<String> = ["img", "raw"]

    private static func imagesInOrder(
        _ folder: FilePath, _ fileSystem: LocalFileSystem,
        noting note: ((InventoryProblem) -> Void)?
    ) throws(KuraError) -> [VirtualMachine.Disk] {
        let names: [String]
        do throws(IOError) {
            names = try fileSystem.list(folder).sorted()
        } catch {
            throw KuraError(io: error)
        }
        var disks: [VirtualMachine.Disk] = []
        for name in names where !name.hasPrefix(".") {
            let path = folder.appending(name)
            let ending = path.extension ?? ""
            var disk = VirtualMachine.Disk(
                name: path.stem ?? name, path: path.string, lun: VirtualMachine.Disk.systemLUN)
            if !rawEndings.contains(ending) {
                guard let format = format(path, fileSystem) else { continue }
                if let problem = problem(with: path, format, fileSystem) {
                    note?(
                        InventoryProblem(
                            path: path.string, message: "not taken as a disk: \(problem)"))
                    continue
                }
                disk.format = DiskFormat(format)
            }
            // A raw disk and an image of it: what the machine runs on is not known.
            if let other = disks.first(where: { $0.name == disk.name }) {
                note?(
                    InventoryProblem(
                        path: path.string,
                        message: "not taken as a disk: \(other.path) has the same name without "
                            + "its ending. List the machine's disks in vm.json"))
                continue
            }
            disk.lun += disks.count
            disks.append(disk)
        }
        return disks
    }

    /// Why an image is no disk of a machine without a description; nil where it is one.
    private static func problem(
        with path: FilePath, _ format: ImageFormat, _ fileSystem: LocalFileSystem
    ) -> String? {
        let advice = "Convert it to a raw image, or list the machine's disks in vm.json"
        guard path.extension == format.rawValue, let known = DiskFormat(format) else {
            return "its format is \(format.rawValue). \(advice)"
        }
        // What cannot be told now, the backup says.
        guard !fileSystem.isLink(path) else { return nil }
        do throws(KuraError) {
            let file = try FileSource(path)
            guard try file.imageFormat() == known.image else {
                return "its bytes tell of no \(format.rawValue) image. \(advice)"
            }
            if let base = try ImageFacts(of: file, format).base {
                return "it needs its base \(base.name). List the machine's disks in vm.json, with "
                    + "the \"chain\" of this one"
            }
            return nil
        } catch {
            return error.cause is ImageRefusal ? "\(error.message). \(advice)" : nil
        }
    }

    /// The format of an image by the ending of its name, or by its bytes; nil where it is none, or
    /// cannot be read.
    private static func format(_ path: FilePath, _ fileSystem: LocalFileSystem) -> ImageFormat? {
        let format: ImageFormat?
        if let named = path.extension.flatMap({ ImageFormat(rawValue: $0) }) {
            format = named
        } else {
            do {
                guard !fileSystem.isLink(path), try fileSystem.status(path).kind == .regular else {
                    return nil
                }
                format = try FileSource(path).imageFormat()
            } catch {
                // Nothing says that it is a disk.
                return nil
            }
        }
        return format?.isCompression == false ? format : nil
    }

    private static func check(_ disks: [VirtualMachine.Disk]) throws(KuraError) {
        guard !disks.isEmpty else {
            throw KuraError(
                .invalidInput,
                "no disk was found: files that end in .img, .raw, .qcow2, .vhd, .vhdx, .vmdk or "
                    + ".vdi are taken, or what vm.json lists"
            )
        }
        guard disks.count <= VirtualMachine.disksMax else {
            throw KuraError(
                .invalidInput,
                "\(disks.count) disks: a machine has 1 to "
                    + "\(VirtualMachine.disksMax)")
        }
        for disk in disks { try Name.check(disk.name, what: "a disk") }
        guard Set(disks.map(\.name)).count == disks.count else {
            throw KuraError(.invalidInput, "two disks have the same name")
        }
        guard Set(disks.map(\.lun)).count == disks.count,
            disks.allSatisfy({ -1...255 ~= $0.lun })
        else {
            throw KuraError(
                .invalidInput,
                "each disk needs a lun of its own, -1 for the system disk, else 0 "
                    + "to 255")
        }
    }
}
