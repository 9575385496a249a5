internal import KuraFormat
internal import KuraIO
internal import KuraMachines
internal import KuraStore
internal import KuraVault
internal import Synchronization
internal import SystemPackage

/// The disks of a machine while they are backed up, and how consistent they are.
///
/// A machine with hooks is frozen. Where the file system can clone its disks, the machine is thawed
/// as soon as the clones are made; elsewhere it stays frozen until the last byte is read. A point
/// is application-consistent only when the machine was frozen for all of that time.
final class MachineSource: Sendable {
    let disks: [BackupRequest.Disk]
    /// How each disk is read, by name.
    let readings: [String: DiskReading]
    /// As it is before the first byte is read.
    let consistency: Consistency
    /// Whether the machine runs with an agent that took part.
    let usedAgent: Bool
    private let snapshots: [DiskSnapshot]
    private let run: JobRun
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var frozen: FrozenMachineBox?
        var consistency: Consistency
    }

    /// Only ever touched under the lock of `state`.
    private final class FrozenMachineBox: @unchecked Sendable {
        let machine: FrozenMachine
        init(_ machine: FrozenMachine) { self.machine = machine }
    }

    init(
        _ machine: VirtualMachine, of found: RegisteredItem, in places: DiskPlaces,
        _ job: OperationJob, for context: Context
    ) throws(KuraError) {
        run = job.run
        let status = AgentStatus(of: machine)
        try status.requireNotUpdating(machine)
        usedAgent = status == .ready
        let chosen = try Self.chosen(machine, found.state.disks)
        let frozen = try Self.freeze(machine, of: found, as: status, job, for: context)
        var snapshots: [DiskSnapshot] = []
        var disks: [BackupRequest.Disk] = []
        var readings: [String: DiskReading] = [:]
        do throws(KuraError) {
            for disk in chosen {
                let path = FilePath(disk.path)
                let opened = try places.open(disk, of: machine)
                let snapshot = DiskSnapshot.take(of: opened)
                if let snapshot { snapshots.append(snapshot) }
                let source =
                    if let snapshot {
                        try FileSource(snapshot.path, shownAs: path)
                    } else {
                        try opened.source(shownAs: path)
                    }
                disks.append(BackupRequest.Disk(name: disk.name, source: source))
                readings[disk.name] = try Self.reading(of: disk, machine, in: places)
            }
        } catch {
            for snapshot in snapshots { snapshot.remove() }
            _ = frozen?.machine.thaw()
            throw error
        }
        self.disks = disks
        self.readings = readings
        self.snapshots = snapshots
        consistency = frozen == nil ? .crashConsistent : .applicationConsistent
        state = Mutex(State(frozen: frozen, consistency: consistency))
        if snapshots.count == chosen.count { _ = letGo() }
    }

    /// The bases of an image are not cloned: nothing writes to them while there are images on them.
    private static func reading(
        of disk: VirtualMachine.Disk, _ machine: VirtualMachine, in places: DiskPlaces
    ) throws(KuraError) -> DiskReading {
        var reading = DiskReading(disk.format)
        for path in disk.chain ?? [] {
            var base = disk
            base.path = path
            reading.bases.append(
                try places.open(base, of: machine).source(shownAs: FilePath(path)))
        }
        return reading
    }

    private static func chosen(
        _ machine: VirtualMachine, _ choice: ItemState.DiskChoice?
    ) throws(KuraError) -> [VirtualMachine.Disk] {
        guard let choice else { return machine.disks }
        let luns = Set(choice.luns)
        let chosen = machine.disks.filter { disk in
            disk.lun == VirtualMachine.Disk.systemLUN
                || luns.contains(disk.lun) != choice.isExclusion
        }
        guard !chosen.isEmpty else {
            throw KuraError(
                .invalidInput, "no disk of \(machine.name) is left to be backed up",
                remedy: .machine(.chooseDisks))
        }
        return chosen
    }

    /// Nil where nothing was frozen; hooks that failed, or that must not run, are a warning.
    /// - Throws: `interrupted` when the job is cancelled meanwhile.
    private static func freeze(
        _ machine: VirtualMachine, of found: RegisteredItem, as status: AgentStatus,
        _ job: OperationJob, for context: Context
    ) throws(KuraError) -> FrozenMachineBox? {
        let run = job.run
        if let reason = status.reason(for: machine), status != .machineStopped {
            run.warn("\(reason): the recovery point is crash-consistent")
        }
        guard status == .ready, let quiesce = machine.quiesce else { return nil }
        guard found.state.hooks == ItemState.Hooks(quiesce) else {
            run.warn(
                Warning(
                    "the freeze and thaw commands of \(machine.name) were not run, because they "
                        + "are not those that it was registered with: the recovery point is "
                        + "crash-consistent",
                    remedy: .machine(.register(found.item))))
            return nil
        }
        let rights = HookRights.find(
            machine, quiesce, path: context.environment["PATH"] ?? FrozenMachine.path)
        if case .refused(let reason) = rights {
            run.warn(
                Warning(
                    "the freeze and thaw commands of \(machine.name) were not run, because "
                        + "\(reason): the recovery point is crash-consistent",
                    remedy: .advice(
                        "let nobody but root and Kura's user write to the inventory, the folder, "
                            + "the vm.json and the commands")))
            return nil
        }
        do throws(KuraError) {
            return FrozenMachineBox(
                try FrozenMachine(
                    machine, quiesce, as: rights, environment: context.environment,
                    cancellation: job.cancellation))
        } catch {
            if error.code == .interrupted { throw error }
            run.warn("\(error.message): the recovery point is crash-consistent")
            run.keep(output: error.message)
            return nil
        }
    }

    /// Thaws the machine, once its disks are read or cloned.
    /// - Returns: how consistent the point is.
    func letGo() -> Consistency {
        state.withLock { state in
            guard let frozen = state.frozen else { return state.consistency }
            state.frozen = nil
            let report = frozen.machine.thaw()
            if let problem = report.problem {
                run.warn("\(problem): the recovery point is crash-consistent")
                run.keep(output: report.output)
                state.consistency = .crashConsistent
            }
            return state.consistency
        }
    }

    /// Thaws the machine whatever happened, and removes the clones.
    func release() {
        _ = letGo()
        for snapshot in snapshots { snapshot.remove() }
    }
}
