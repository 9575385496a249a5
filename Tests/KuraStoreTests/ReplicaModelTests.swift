import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// Backups, damage, losses, returns and repairs in random order, against a dictionary of what was
/// acknowledged. One replica at a time, the anchor, is spared; it changes when all is healed.
private struct ReplicaModel {
    let store: TestStore
    var points: [RecoveryPointID: [UInt8]] = [:]
    var disks: [SyntheticDisk]
    var anchor = 0
    var away: Set<Int> = []
    /// A copy of a replica of some time ago.
    var old: (replica: Int, path: FilePath)?

    enum Step: CaseIterable {
        case backup, damage, takeAway, bringBack, keepOld, putOldBack, wipe, replicate, repair
    }

    init(_ store: TestStore, _ random: inout SeededGenerator) {
        self.store = store
        disks = (0..<2).map { _ in
            SyntheticDisk(
                seed: random.next(), byteCount: Int.random(in: 0...120_000, using: &random))
        }
    }

    private func isThere(_ replica: Int) throws -> Bool {
        try !away.contains(replica)
            && LocalFileSystem().exists(store.region.replicas[replica].path)
    }

    private func victim(_ random: inout SeededGenerator) -> Int {
        (anchor + Int.random(in: 1...2, using: &random)) % 3
    }

    mutating func run(_ step: Step, _ random: inout SeededGenerator) throws {
        switch step {
        case .backup: try backup(&random)
        case .damage: try damage(&random)
        case .takeAway:
            let replica = victim(&random)
            guard try isThere(replica) else { return }
            try store.takeAway(replica)
            away.insert(replica)
        case .bringBack:
            guard let replica = away.randomElement(using: &random) else { return }
            try store.bringBack(replica)
            away.remove(replica)
        case .keepOld:
            let replica = victim(&random)
            guard try isThere(replica), old == nil else { return }
            let path = store.directory.appending("old-\(random.next())")
            try copyTree(store.region.replicas[replica].path, to: path)
            old = (replica, path)
        case .putOldBack:
            guard let (replica, path) = old, replica != anchor else { return }
            if away.remove(replica) != nil { try store.bringBack(replica) }
            removeTree(store.region.replicas[replica].path)
            try LocalFileSystem().rename(
                path, to: store.region.replicas[replica].path, replacing: false)
            old = nil
        case .wipe:
            let replica = victim(&random)
            guard !away.contains(replica) else { return }
            removeTree(store.region.replicas[replica].path)
        case .replicate: try replicate()
        case .repair: try repair(&random)
        }
    }

    private mutating func backup(_ random: inout SeededGenerator) throws {
        let item = Int.random(in: 0..<2, using: &random)
        let disk = disks[item]
        let vault = store.reopened()
        do {
            let report = try store.backup(disk.bytes, item: "\(item)", into: vault)
            points[report.id] = disk.bytes
            disks[item] = disk.edited(seed: random.next())
        } catch let error as KuraError {
            #expect(error.code == .replicaMissing && vault.replicas.count < 2)
        }
    }

    private func damage(_ random: inout SeededGenerator) throws {
        let replica = victim(&random)
        guard !away.contains(replica),
            try LocalFileSystem().exists(store.vaultPath(replica: replica))
        else { return }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let kind = ["packs", "index", "points"].randomElement(using: &random)!
            guard let file = try store.files(kind, replica: replica).randomElement(using: &random),
                try LocalFileSystem().status(file).byteCount > 0
            else { continue }
            try Mutation.allCases.randomElement(using: &random)!
                .apply(to: file, other: [1, 2, 3], &random)
        }
    }

    /// As `kura replicate` does it.
    private func replicate() throws {
        let vault = store.reopened()
        var filling: [Replica] = []
        for replica in 0..<3 where !away.contains(replica) {
            guard vault.region.problems[replica] != nil,
                try vault.region.vacancy(of: replica) != .occupied
            else { continue }
            filling.append(try vault.region.beginFilling(replica))
        }
        let report = try vault.catchUp(filling: filling)
        #expect(report.failures.isEmpty && report.lost.isEmpty)
        for replica in filling { try vault.region.finishFilling(replica.ordinal) }
    }

    private mutating func repair(_ random: inout SeededGenerator) throws {
        try replicate()
        let report = try store.reopened().verify(VerifyRequest(level: .chunks, repair: true))
        let remaining = report.remaining.filter { $0.structure != .replica }
        #expect(remaining.isEmpty || !away.isEmpty, "\(remaining)")
        guard away.isEmpty else { return }
        try store.reopened().catchUp()
        try store.expectEqualReplicas()
        anchor = Int.random(in: 0..<3, using: &random)
    }

    func check(_ comment: String) throws {
        let vault = store.reopened()
        #expect(Set(try vault.recoveryPointIDs()) == Set(points.keys), "\(comment)")
        if let (id, bytes) = points.randomElement() {
            #expect(try store.restore(id, from: vault) == bytes, "\(comment)")
        }
    }
}

@Suite("Replicas against a model") struct ReplicaModelTests {
    @Test("What was acknowledged restores while one replica is spared, and all heal in the end")
    func random() throws {
        try forAll(cases: 2) { seed, random in
            try withTemporaryDirectory { directory in
                var model = ReplicaModel(try TestStore(directory), &random)
                for number in 0..<10 {
                    let step = ReplicaModel.Step.allCases.randomElement(using: &random)!
                    try model.run(step, &random)
                    try model.run(.backup, &random)
                    try model.check("seed \(seed), step \(number): \(step)")
                }
                while !model.away.isEmpty { try model.run(.bringBack, &random) }
                try model.run(.repair, &random)
                let report = try model.store.reopened().verify(VerifyRequest(level: .chunks))
                #expect(report.damaged.isEmpty, "seed \(seed): \(report.damaged)")
                for (id, bytes) in model.points {
                    #expect(try model.store.restore(id) == bytes, "seed \(seed)")
                }
            }
        }
    }
}
