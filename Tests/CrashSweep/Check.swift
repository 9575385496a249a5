import KuraFormat
import KuraIO
import KuraStore
import SystemPackage

/// What must hold on every disk that a power cut leaves. The numbers are those of
/// Tests/RELIABILITY.md.
struct Check {
    let scenario: Scenario
    let disks: [[UInt8]]

    /// - Parameter found: the world on the disk that is there when the power comes back.
    func run(_ found: World) throws {
        var world = found
        try expectAcknowledged(world, "when the power came back")
        // I8: the same command completes, with nothing to unlock or to tidy by hand.
        try scenario.run(&world, disks)
        // I11: nothing is left that nobody needs.
        _ = try world.prune()
        try expectNothingLeft(world)
        try expectAcknowledged(world, "after a prune")
        // I5: everything that is there is as it must be.
        let report = try world.vault().verify(VerifyRequest(level: .packs, threads: 1))
        if let damage = report.damaged.first {
            throw Violation(
                "I5: \(damage.path) of replica \(damage.replica) is \(damage.kind.rawValue)")
        }
        guard world.vault().interruptedSessions().isEmpty else {
            throw Violation("I11: the interrupted session is still there")
        }
    }

    /// I1: what was acknowledged restores to its bytes. I2: what was not is absent or complete.
    private func expectAcknowledged(_ world: World, _ when: String) throws {
        for number in scenario == .replicate ? [0, 1] : [0] {
            let vault = world.vault(in: number)
            let listed = try vault.recoveryPointIDs()
            for (id, bytes) in world.acknowledged where !world.dropped.contains(id) {
                // The other region shows a point when it is complete there, not before.
                guard listed.contains(id) else {
                    if number == 1 { continue }
                    throw Violation("I1: \(id.short) is gone \(when)")
                }
                guard try world.restore(id, from: vault) == bytes else {
                    throw Violation("I4: \(id.short) restores other bytes \(when)")
                }
            }
            for id in listed where world.acknowledged[id] == nil || world.dropped.contains(id) {
                let bytes = try world.restore(id, from: vault)
                guard bytes == world.acknowledged[id] ?? disks[2] else {
                    throw Violation("I2: \(id.short) restores other bytes \(when)")
                }
            }
        }
    }

    private func expectNothingLeft(_ world: World) throws {
        let vault = world.vault()
        let plan = try vault.collectionPlan(PruneRequest(dropping: [], reason: ""))
        guard plan.dead.isEmpty, plan.repacked.isEmpty else {
            throw Violation("I11: \(plan.dead.count) dead packs after a prune")
        }
        let fileSystem = world.fileSystem
        var trees: [Set<String>] = []
        for replica in 0..<3 {
            let root = world.directory(replica: replica)
            var names = Set<String>()
            for directory in try fileSystem.list(root.appending("packs")) {
                names.formUnion(try fileSystem.list(root.appending("packs").appending(directory)))
            }
            for directory in ["points", "index"] {
                names.formUnion(try fileSystem.list(root.appending(directory)))
            }
            let rubbish = try fileSystem.list(root.appending("tmp"))
            guard rubbish.isEmpty else { throw Violation("I11: \(rubbish) in tmp/") }
            trees.append(names)
        }
        guard trees[0] == trees[1], trees[1] == trees[2] else {
            let union = trees[0].union(trees[1]).union(trees[2])
            let lacking = (0..<3).map { union.subtracting(trees[$0]).map { $0.prefix(8) }.sorted() }
            throw Violation("I3: replicas differ after a prune; they lack \(lacking)")
        }
    }
}
