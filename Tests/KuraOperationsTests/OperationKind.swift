import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport

/// Every way in, so that each promise can be asked of all of them.
enum OperationKind: CaseIterable {
    case backup, restoreToFile, restoreToStream, verify, repair, prune, replicate, drill, failover
    case failback, changeRedundancy, machineBackup, machineRestore

    /// Those that read what recovery points hold.
    static let readers: [OperationKind] = [
        .restoreToFile, .restoreToStream, .repair, .drill, .machineRestore,
    ]

    /// Those that look for a signal at safe points in the middle.
    static let interruptible: [OperationKind] = [
        .backup, .restoreToFile, .restoreToStream, .verify, .drill, .machineBackup,
        .machineRestore,
    ]

    var job: Job.Operation {
        switch self {
        case .backup, .machineBackup: .backup
        case .restoreToFile, .restoreToStream, .machineRestore: .restore
        case .verify: .verify
        case .repair: .repair
        case .prune: .prune
        case .replicate: .replicate
        case .drill: .drill
        case .failover: .failover
        case .failback: .failback
        case .changeRedundancy: .changeRedundancy
        }
    }

    /// Whether it is about a virtual machine.
    var needsMachine: Bool { self == .machineBackup || self == .machineRestore }

    /// The region whose copies are read.
    var region: String { self == .drill ? Household.west : Household.east }

    /// Does it.
    /// - Returns: everything that the caller is told beside the result.
    func run(_ house: Household, _ context: Context = .test()) throws -> [String] {
        try warnings(house, context).map(\.message)
    }

    private func warnings(_ house: Household, _ context: Context) throws -> [Warning] {
        let operations = try house.operations(context)
        switch self {
        case .backup:
            return try operations.backup(house.backup()).warnings
        case .restoreToFile:
            let path = house.directory.appending("restored.img")
            return try operations.restore(
                PointRestore(house.latest(), to: .path(path))
            ).warnings
        case .restoreToStream:
            let path = house.directory.appending("streamed.img")
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
            return try file.closeAfter {
                try operations.restore(
                    PointRestore(
                        house.latest(),
                        to: .stream(descriptor: file.rawValue, name: "a test's file"))
                ).warnings
            }
        case .verify, .repair:
            let report = try operations.verify(
                Verification(level: .chunks, repairs: self == .repair))
            return report.warnings + report.damaged.map { Warning($0.text()) }
        case .prune:
            return try operations.prune(Pruning()).reports.flatMap(\.warnings)
        case .replicate:
            return try operations.replicate(CopiesUpdate()).warnings
        case .drill:
            return try operations.drill(
                DrillRequest(vault: Household.vault, scratch: house.directory)
            ).warnings
        case .failover:
            return try operations.failOver(RegionMove(Household.east)).warnings
        case .failback:
            _ = try operations.failOver(RegionMove(Household.east))
            return try house.operations(context).failBack(RegionMove(Household.east)).warnings
        case .machineBackup:
            let outcome = operations.backUp(Household.machine)
            if let error = outcome.error { throw error }
            return outcome.warnings
        case .machineRestore:
            let folder = house.directory.appending("restored-machine")
            return try operations.restoreMachine(
                MachineRestore(Household.machine, to: folder)
            ).warnings
        case .changeRedundancy:
            return try operations.setRedundancy(
                RedundancyRequest(vault: Household.vault, kind: .raGRS, converts: true)
            ).warnings
        }
    }
}
