import KuraIO

/// One of each remedy, and some more. Each switch names the case that follows, so that a new case
/// does not compile until it has a place here.
enum RemedySamples {
    static let all: [Remedy] =
        chain(plain)
        + chain(home).map { .home($0) } + chain(region).map { .region($0) }
        + chain(vault).map { .vault($0) } + chain(point).map { .point($0) }
        + chain(machine).map { .machine($0) } + chain(policy).map { .policy($0) }
        + variants

    private static func chain<T>(_ next: (T?) -> T?) -> [T] {
        var samples: [T] = []
        while let sample = next(samples.last) { samples.append(sample) }
        return samples
    }

    /// Other arguments of the same cases.
    private static let variants: [Remedy] = [
        .waitThenRetry, .retry(),
        .region(.addPair(of: "east", known: nil)), .region(.declareLost("east")),
        .region(.acceptLoss("east", failsBack: false)),
        .vault(.create()), .vault(.delete), .vault(.verify()), .vault(.repair(.files)),
        .vault(.replicate()), .vault(.prune()), .point(.list()), .point(.drop()),
        .machine(.deleteData("it's one", atOnce: true)), .policy(.assign("gold", items: ["web-1"])),
        .policy(.delete()),
    ]

    private static func plain(after remedy: Remedy?) -> Remedy? {
        switch remedy {
        case nil: .advice("mount its disks")
        case .advice: .anyOf([.advice("mount its disks"), .useNewerKura])
        case .anyOf: .steps([.vault(.repair(.files)), .retry()])
        case .steps: .forEach([.init(subject: "web-1", remedy: .machine(.discover))])
        case .forEach: .retry(note: "what it stored is used")
        case .retry: .resume
        case .resume: .useNewerKura
        case .useNewerKura: .chooseAnotherName
        case .chooseAnotherName: .freeSpace(path: "/srv")
        case .freeSpace, .home, .region, .vault, .point, .machine, .policy: nil
        }
    }

    private static func home(after action: Remedy.HomeAction?) -> Remedy.HomeAction? {
        switch action {
        case nil: .locate
        case .locate: .chooseAnother
        case .chooseAnother: .make
        case .make: .rebuildHome
        case .rebuildHome: .rebuildCatalog
        case .rebuildCatalog: .setInventory
        case .setInventory: .allowDisks("/dev/vg0")
        case .allowDisks: .chooseJob
        case .chooseJob: .confirmTime
        case .confirmTime: nil
        }
    }

    private static func region(after action: Remedy.RegionAction?) -> Remedy.RegionAction? {
        switch action {
        case nil: .add("east")
        case .add: .addPair(of: "japaneast", known: "japanwest")
        case .addPair: .attach
        case .attach: .recreate("east")
        case .recreate: .declareLost("east", successor: "west")
        case .declareLost: .failBack("east")
        case .failBack: .acceptLoss("east", failsBack: true)
        case .acceptLoss: .show("east")
        case .show: .fillReplicas
        case .fillReplicas: .trustOwners
        case .trustOwners: nil
        }
    }

    private static func vault(after action: Remedy.VaultAction?) -> Remedy.VaultAction? {
        switch action {
        case nil: .choose
        case .choose: .create(name: "gold", region: "east", profile: "modern")
        case .create: .delete
        case .delete: .showContents("gold")
        case .showContents: .show("gold")
        case .show: .convert("gold", redundancy: "ra-grs")
        case .convert: .useCopies(2)
        case .useCopies: .verify("gold")
        case .verify: .repair(.chunks, vault: "gold")
        case .repair: .resumeVerification
        case .resumeVerification: .replicate("gold")
        case .replicate: .prune("gold")
        case .prune: .showRepairs
        case .showRepairs: nil
        }
    }

    private static func point(after action: Remedy.PointAction?) -> Remedy.PointAction? {
        switch action {
        case nil: .list(item: "a disk")
        case .list: .choose
        case .choose: .backUp
        case .backUp: .backUpStream
        case .backUpStream: .backUpRaw
        case .backUpRaw: .allowShrinking
        case .allowShrinking: .backUpLive
        case .backUpLive: .nameBases
        case .nameBases: .nameItem
        case .nameItem: .drop("3f2a")
        case .drop: .reviewPrune
        case .reviewPrune: .confirmPrune(vault: "gold", token: "12ab")
        case .confirmPrune: .restoreItem("web")
        case .restoreItem: .restoreDisk(point: "3f2a", disk: "os")
        case .restoreDisk: .chooseDisk
        case .chooseDisk: .leaveOutLost
        case .leaveOutLost: .overwriteTarget
        case .overwriteTarget: .overwriteDevice
        case .overwriteDevice: .restoreStream
        case .restoreStream: .restoreAs("alice")
        case .restoreAs: nil
        }
    }

    private static func machine(after action: Remedy.MachineAction?) -> Remedy.MachineAction? {
        switch action {
        case nil: .discover
        case .discover: .list
        case .list: .listRegistered
        case .listRegistered: .register("web-1")
        case .register: .unregister("web-1")
        case .unregister: .protect("web-1", policy: "gold")
        case .protect: .resume("web-1", policy: "gold")
        case .resume: .stop("web-1")
        case .stop: .deleteData("web-1")
        case .deleteData: .deleteDataLater(days: 14)
        case .deleteDataLater: .undelete("web-1")
        case .undelete: .allowShrinking("web-1")
        case .allowShrinking: .chooseCloudService
        case .chooseCloudService: .chooseVaultOfRegion
        case .chooseVaultOfRegion: .chooseDisks
        case .chooseDisks: .restoreElsewhere
        case .restoreElsewhere: nil
        }
    }

    private static func policy(after action: Remedy.PolicyAction?) -> Remedy.PolicyAction? {
        switch action {
        case nil: .assign(nil, items: ["web-1", "lab/web-1"])
        case .assign: .update("gold")
        case .update: .delete("gold")
        case .delete: nil
        }
    }
}
