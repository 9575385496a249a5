package import KuraIO
internal import KuraOperations

extension Remedy {
    /// What the command line says.
    var text: String { wording.text }

    package var wording: RemedyText {
        switch self {
        case .advice(let text): RemedyText(stringLiteral: text)
        case .anyOf(let remedies): RemedyText(remedies.map(\.wording), joinedBy: "; or ")
        case .steps(let remedies): RemedyText(remedies.map(\.wording), joinedBy: ", then ")
        case .forEach(let parts):
            RemedyText(parts.map { "\($0.subject): \($0.remedy.wording)" }, joinedBy: "\n")
        case .retry(let note?): "run the command again; \(note)"
        case .retry(nil): "run the command again"
        case .resume: "run the same command again to continue"
        case .useNewerKura: "use the version of Kura that wrote it, or a newer one"
        case .chooseAnotherName: "choose another name"
        case .freeSpace(let path): "free space on the file system of \(path)"
        case .home(let action): action.wording
        case .region(let action): action.wording
        case .vault(let action): action.wording
        case .point(let action): action.wording
        case .machine(let action): action.wording
        case .policy(let action): action.wording
        }
    }
}

extension Warning {
    /// Message and remedy in one line.
    var text: String { message + (remedy.map { "; \($0.text)" } ?? "") }
}

extension Remedy.HomeAction {
    fileprivate var wording: RemedyText {
        switch self {
        case .locate: "name it with \("--home", of: "list", "--home", "DIR")"
        case .chooseAnother:
            "name another directory with \("--home", of: "list", "--home", "DIR"), or an empty one"
        case .make: "make one with: \(run: "init")"
        case .rebuildHome:
            """
            make it anew from directories of its replicas: \
            \(run: "catalog", "rebuild", "--replica", "DIR")
            """
        case .rebuildCatalog: "make it anew from the regions: \(run: "catalog", "rebuild")"
        case .setInventory:
            """
            name the folder that has REGION/CLOUD-SERVICE/VM folders: \
            \(run: "inventory", "set", "DIR")
            """
        case .confirmTime:
            """
            look first at what it would do, with \
            \("--dry-run", of: "scheduler", "tick", "--dry-run"), or say that it is meant, with \
            \("--force", of: "scheduler", "tick", "--force")
            """
        case .allowDisks(let path):
            """
            if machines may use it, run: \(run: "inventory", "set", "DIR", "--allow", path)
            """
        case .chooseJob: "use an id from \(run: "job", "list"), or its first digits"
        }
    }
}

extension Remedy.RegionAction {
    fileprivate var wording: RemedyText {
        switch self {
        case .add(let name): "run: \(run: "region", "add", name)"
        case .addPair(_, let known?): "run: \(run: "region", "add", known)"
        case .addPair(let region, nil): "run: \(run: "region", "add", "NAME", "--pair", region)"
        case .attach: "add it with: \(run: "region", "add", "NAME", "--replica", "DIR")"
        case .recreate(let name):
            """
            when its disks are gone for good, make the region anew: \
            \(run: "region", "add", name, "--recreate")
            """
        case .declareLost(let name, let successor?):
            "declare it lost, to continue in \(successor): \(run: "region", "failover", name)"
        case .declareLost(let name, nil): "declare it lost: \(run: "region", "failover", name)"
        case .failBack(let name): "bring it back first: \(run: "region", "failback", name)"
        case .acceptLoss(let name, let failsBack):
            """
            continue without them: \
            \(run: "region", failsBack ? "failback" : "failover", name, "--accept-loss")
            """
        case .show(let name): "look at it with: \(run: "region", "show", name)"
        case .fillReplicas:
            """
            to fill an empty directory, run \(run: "replicate") without \
            \("--vault", of: "replicate", "--vault", "NAME")
            """
        case .trustOwners: "set \(Operations.foreignOwnerVariable)=1 to use it anyway"
        }
    }
}

extension Remedy.VaultAction {
    fileprivate var wording: RemedyText {
        switch self {
        case .choose: "name the vault with \("--vault", of: "list", "--vault", "NAME")"
        case .create(let name, let region, let profile):
            """
            run: \(run: ["vault", "create", name ?? "NAME"] + Self.option("--region", region)
                + Self.option("--profile", profile))
            """
        case .delete: "delete one: \(run: "vault", "delete", "NAME")"
        case .showContents(let name):
            """
            look at them: \(run: "list", "--vault", name); how they go with the vault is in: \
            \(run: "vault", "delete", "--help")
            """
        case .show(let name): "look at it with: \(run: "vault", "show", name)"
        case .convert(let name, let redundancy):
            """
            Kura can copy, verify and then switch: \
            \(run: "vault", "set-redundancy", name, redundancy, "--convert")
            """
        case .useCopies(let copies):
            "use \("--copies \(copies)", of: "vault", "create", "NAME", "--copies", "\(copies)")"
        case .verify(let name):
            "run: \(run: ["verify", "--level", "chunks"] + Self.option("--vault", name))"
        case .repair(let depth, let name):
            """
            run: \(run: ["verify"] + (depth == .chunks ? ["--level", "chunks"] : []) + ["--repair"]
                + Self.option("--vault", name))
            """
        case .resumeVerification:
            """
            run the same command with \("--max-age", of: "verify", "--max-age", "7d") to continue
            """
        case .replicate(let name): "run: \(run: ["replicate"] + Self.option("--vault", name))"
        case .prune(let name): "run: \(run: ["prune"] + Self.option("--vault", name))"
        case .showRepairs: "run: \(run: "repairs")"
        }
    }

    private static func option(_ flag: String, _ value: String?) -> [String] {
        value.map { [flag, $0] } ?? []
    }
}

extension Remedy.PointAction {
    fileprivate var wording: RemedyText {
        switch self {
        case .list(let item): "run: \(run: ["list"] + (item.map { ["--item", $0] } ?? []))"
        case .choose: "use an id from \(run: "list"), its first digits, ITEM@latest, or ITEM@TIME"
        case .backUp: "make a newer one first: \(run: "backup", "DISK")"
        case .backUpStream:
            "use \("-", of: "backup", "-", "--item", "NAME") to read a stream from standard input"
        case .backUpRaw:
            """
            take its bytes as they are with \("--format raw", of: "backup", "D", "--format", "raw")
            """
        case .allowShrinking:
            "if that is right, use \("--allow-shrink", of: "backup", "D", "--allow-shrink")"
        case .backUpLive:
            """
            read it all the same, with parts of different times: \
            \("--live", of: "backup", "D", "--live")
            """
        case .nameBases:
            """
            name its bases, the nearest first, with \
            \("--chain", of: "backup", "D", "--chain", "BASE"), or as "chain" of the disk in vm.json
            """
        case .nameItem: "name items with \("--item", of: "backup", "D", "--item", "NAME")"
        case .drop(let id): "drop the recovery point: \(run: "prune", "--drop", id ?? "RP")"
        case .reviewPrune: "look at what would go: \(run: "prune", "--dry-run")"
        case .confirmPrune(let vault, let token):
            "if that is right, run: \(run: "prune", "--vault", vault, "--confirm", token)"
        case .restoreItem(let name):
            "restore it: \(run: "restore", "\(name)@latest", "--output", "PATH")"
        case .restoreDisk(let id, let disk):
            """
            restore a disk by its name: \
            \(run: "restore", id, "--disk", disk, "--output", "PATH")
            """
        case .chooseDisk:
            "choose one with \("--disk", of: "restore", "RP", "--output", "-", "--disk", "NAME")"
        case .leaveOutLost:
            """
            leave out what is lost with \
            \("restore --skip-lost", of: "restore", "RP", "--output", "PATH", "--skip-lost")
            """
        case .overwriteTarget:
            "overwrite it with \("--force", of: "restore", "RP", "--output", "PATH", "--force")"
        case .overwriteDevice:
            "overwrite it with \("--device", of: "restore", "RP", "--output", "PATH", "--device")"
        case .restoreStream:
            """
            use \("--output -", of: "restore", "RP", "--output", "-") and send standard output there
            """
        case .restoreAs(let user):
            """
            write with the rights of that user: \("--as \(user)", of: "restore", "RP", "--output",
                "PATH", "--as", user)
            """
        }
    }
}

extension Remedy.MachineAction {
    fileprivate var wording: RemedyText {
        switch self {
        case .discover: "run: \(run: "vm", "discover")"
        case .list: "run: \(run: "vm", "list", "--all")"
        case .listRegistered: "see: \(run: "vm", "list", "--registered")"
        case .register(let name): "run: \(run: "vm", "register", name)"
        case .unregister(let name): "run: \(run: "vm", "unregister", name)"
        case .protect(let name, let policy):
            "run: \(run: "vm", "protect", name, "--policy", policy)"
        case .resume(let name, let policy):
            "protect it again: \(run: "vm", "resume", name, "--policy", policy)"
        case .stop(let name): "stop its protection: \(run: "vm", "stop", name)"
        case .deleteData(let name, let atOnce):
            "run: \(run: ["vm", "stop", name, "--delete-data"] + (atOnce ? ["--at-once"] : []))"
        case .deleteDataLater(let days):
            """
            leave out \("--at-once", of: "vm", "stop", "NAME", "--delete-data", "--at-once"); \
            the data goes after \(days) days
            """
        case .undelete(let name): "bring its data back: \(run: "vm", "undelete", name)"
        case .allowShrinking(let name):
            "if that is right, run: \(run: "vm", "backup", name, "--allow-shrink")"
        case .chooseCloudService:
            """
            tell them apart with \
            \("--cloud-service", of: "vm", "register", "NAME", "--cloud-service", "NAME"), \
            or name CLOUD-SERVICE/NAME
            """
        case .chooseVaultOfRegion:
            """
            tell them apart with \("--vault", of: "vm", "register", "NAME", "--vault", "NAME"), \
            a vault in the region of the one that is meant
            """
        case .chooseDisks:
            """
            choose others with \("--include-lun", of: "vm", "protect", "VM", "--policy", "P",
                "--include-lun", "1") or \("--exclude-lun", of: "vm", "protect", "VM", "--policy",
                "P", "--exclude-lun", "1") of \("kura vm protect", of: "vm", "protect", "VM",
                "--policy", "P")
            """
        case .restoreElsewhere:
            """
            choose another folder with \
            \("--output", of: "vm", "restore", "VM", "--output", "DIR"), \
            or a new name with \
            \("--new-name", of: "vm", "restore", "VM", "--output", "DIR", "--new-name", "NAME")
            """
        }
    }
}

extension Remedy.PolicyAction {
    fileprivate var wording: RemedyText {
        switch self {
        case .assign(let policy?, let items):
            "give it another policy with: \(run: ["policy", "assign", policy] + items)"
        case .assign(nil, let items):
            "give them another one first: \(run: ["policy", "assign", "POLICY"] + items)"
        case .update(let name): "change it with: \(run: "policy", "update", name)"
        case .delete(let name):
            """
            \(name == nil ? "delete one that is not used" : "delete it"): \
            \(run: "policy", "delete", name ?? "NAME")
            """
        }
    }
}
