import KuraFormat
import KuraIO
import KuraStore
import Simulation
import SystemPackage

/// What must hold on every disk that a power cut leaves. The numbers are those of
/// Tests/RELIABILITY.md.
struct Check {
    let scenario: Scenario
    let disks: [[UInt8]]

    /// What was done when the power had come back, and the world, with what it was promised, from
    /// which moment on.
    struct Recovery {
        var moments: [SimulatedFileSystem.Moment] = []
        var worlds: [(from: Int, world: World)] = []

        /// The world at a moment, on another disk than it had then.
        func world(at moment: Int) -> World {
            worlds.last { $0.from <= moment }!.world
        }
    }

    /// - Parameters:
    ///   - found: the world on the disk that is there when the power comes back.
    ///   - isWanted: whether what a prune was taking away is backed up once more before anything
    ///     else is done: a backup must not rely on what is half gone.
    func run(_ found: World, backingUpAgain isWanted: Bool) throws -> Recovery {
        var world = found
        try expectPromises(world, "when the power came back")
        if scenario.isPrune, isWanted {
            try world.backup(disks[scenario == .prune ? 0 : 1])
        }
        let begun = world
        var recovery = Recovery(worlds: [(0, begun)])
        world.fileSystem.startRecording()
        // I8: the same command completes, with nothing to unlock or to tidy by hand.
        try scenario.run(&world, disks)
        recovery.worlds.append((world.fileSystem.momentCount, world))
        // I11: one prune, and nothing is left that is not needed.
        if !scenario.isPrune { try world.prune() }
        recovery.moments = world.fileSystem.stopRecording()
        try expectNothingLeft(world)
        // I5: everything that is there is as it must be. Every point is followed to its chunks, and
        // those are decoded and hashed: points that restored before restore now.
        let report = try world.vault().verify(VerifyRequest(level: .chunks, threads: 1))
        if let damage = report.damaged.first {
            throw Violation(
                "I5: \(damage.place) of replica \(damage.replica) is \(damage.kind.rawValue)")
        }
        try expectPromises(
            world, "after a prune",
            proven: Set(begun.promises.points.keys).subtracting(begun.promises.mayLack))
        guard world.vault().interruptedSessions().isEmpty else {
            throw Violation("I11: the interrupted session is still there")
        }
        return recovery
    }

    /// - Parameter proven: points of the active region that are known to restore to their bytes.
    private func expectPromises(
        _ world: World, _ when: String, proven: Set<RecoveryPointID> = []
    ) throws {
        let promises = world.promises
        guard try world.hasVault() else {
            if promises.hasVault { throw Violation("I1: the vault is gone \(when)") }
            return
        }
        for number in scenario.isPaired ? [0, 1] : [0] {
            try expectPoints(promises, world, in: number, when, number == 0 ? proven : [])
        }
        if !promises.settings.isEmpty {
            let found = Set(try world.vault().journal().map(\.id))
            guard promises.settings.isSubset(of: found) else {
                throw Violation("I12: an entry of the journal is gone \(when)")
            }
        }
        if promises.repairs > 0, try world.vault().repairs().count < promises.repairs {
            throw Violation("I12: a line of the ledger is gone \(when)")
        }
        if let target = promises.target { try expect(target, world, when) }
    }

    /// I1: what was acknowledged restores to its bytes. I2: what was not is absent or complete, and
    /// what was dropped stays so.
    private func expectPoints(
        _ promises: World.Promises, _ world: World, in number: Int, _ when: String,
        _ proven: Set<RecoveryPointID>
    ) throws {
        let vault = world.vault(in: number)
        let listed = Set(try vault.recoveryPointIDs())
        for (id, bytes) in promises.points where !promises.mayBeDropped.contains(id) {
            // The other region shows a point when it is complete there, not before.
            guard listed.contains(id) else {
                if number == 1 { continue }
                throw Violation("I1: \(id.short) is gone \(when)")
            }
            do {
                guard try proven.contains(id) || world.bytes(of: id, from: vault) == bytes else {
                    throw Violation("I4: \(id.short) restores other bytes \(when)")
                }
            } catch let error as KuraError where promises.mayLack.contains(id) {
                guard error.code == .damaged || error.code == .notFound else { throw error }
            }
        }
        for id in listed where promises.points[id] == nil || promises.mayBeDropped.contains(id) {
            if promises.dropped.contains(id) {
                throw Violation("I2: \(id.short) was dropped and is back \(when)")
            }
            guard try world.bytes(of: id, from: vault) == promises.points[id] ?? disks[2] else {
                throw Violation("I2: \(id.short) restores other bytes \(when)")
            }
        }
    }

    private func expect(_ target: World.Target, _ world: World, _ when: String) throws {
        let fileSystem = world.fileSystem
        let found =
            try fileSystem.exists(World.target)
            ? fileSystem.contents(World.target, max: 1 << 30) : nil
        let isRight =
            switch target {
            case .absentOr(let bytes): found == nil || found == bytes
            case .complete(let bytes): found == bytes
            case .either(let old, let new): found == old || found == new
            }
        guard isRight else { throw Violation("I4: the restored file is wrong \(when)") }
    }

    private func expectNothingLeft(_ world: World) throws {
        let plan = try world.vault().collectionPlan(PruneRequest(dropping: [], reason: ""))
        guard plan.dead.isEmpty, plan.repacked.isEmpty else {
            throw Violation("I11: \(plan.dead.count) dead packs after a prune")
        }
        let files = world.fileSystem.allFiles
        let temporaries = "/\(world.vault().id.hex)/tmp/"
        if let rubbish = files.first(where: { $0.contains(temporaries) }) {
            throw Violation("I11: \(rubbish) is left")
        }
        let trees = (0..<3).map { replica in
            let root = world.directory(replica: replica).string
            let mine = files.filter { $0.hasPrefix(root) }.map { $0.dropFirst(root.count) }
            return Set(
                mine.filter { file in
                    ["/packs/", "/points/", "/index/"].contains { file.hasPrefix($0) }
                })
        }
        guard trees[0] == trees[1], trees[1] == trees[2] else {
            let union = trees[0].union(trees[1]).union(trees[2])
            let lacking = trees.map { union.subtracting($0).map { $0.prefix(16) }.sorted() }
            throw Violation("I3: replicas differ after a prune; they lack \(lacking)")
        }
    }
}
