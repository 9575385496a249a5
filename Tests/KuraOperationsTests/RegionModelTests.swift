import KuraFormat
import KuraIO
import KuraOperations
import KuraReplication
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

/// Two regions of three replicas through random days, against a dictionary that remembers.
///
/// At most one replica of each region, and one whole region, is away at a time: that is what the
/// redundancy promises to survive.
private struct RandomDays {
    let regions: TwoRegions
    var random: SeededGenerator
    /// What every acknowledged recovery point must restore to.
    var acknowledged: [RecoveryPointID: [UInt8]] = [:]
    /// Those that both regions are known to have.
    var replicated: Set<RecoveryPointID> = []
    var disks: [String: SyntheticDisk] = [:]
    var log: [String] = []

    private static let names = [TwoRegions.east, TwoRegions.west]

    init(_ directory: FilePath, _ random: SeededGenerator) throws {
        regions = try TwoRegions(directory, .raGRS, replicas: 3)
        self.random = random
    }

    mutating func step() throws {
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<4: try backup()
        case 4..<6: try replicate()
        case 6: try killedReplication()
        case 7: toggleReplica()
        case 8: toggleRegion()
        case 9..<11: try failOver()
        default: try failBack()
        }
    }

    private mutating func backup() throws {
        let item = "item-\(Int.random(in: 0..<2, using: &random))"
        let disk =
            disks[item]?.edited(seed: random.next())
            ?? SyntheticDisk(seed: random.next(), byteCount: 30_000)
        do {
            acknowledged[try regions.backup(disk.bytes, item: item)] = disk.bytes
            disks[item] = disk
            log.append("backup")
        } catch let error as KuraError {
            log.append("no backup: \(error.message)")
        }
    }

    private mutating func replicate() throws {
        do {
            let report = try regions.replicate()
            #expect(report.isComplete, "\(report.there.problems + report.back.problems) \(log)")
            replicated.formUnion(try regions.vault(in: TwoRegions.east).recoveryPointIDs())
            log.append("replicate")
        } catch let error as KuraError {
            log.append("no replication: \(error.message)")
        }
    }

    private mutating func killedReplication() throws {
        guard try regions.place().isPassiveReachable, try regions.place().isActiveReachable else {
            return
        }
        let kill = Int.random(in: 0..<1200, using: &random)
        let failing = FailingFileSystem { $0.count >= kill }
        _ = try? regions.replication(on: failing).run(threads: 2)
        log.append("replication killed at \(kill)")
    }

    private mutating func toggleReplica() {
        let region = Self.names.randomElement(using: &random)!
        guard !regions.isHidden(regions.regionPath(region)) else { return }
        let hidden = (0..<3).filter { regions.isHidden(regions.replicaPath(region, $0)) }
        let chosen = hidden.first ?? Int.random(in: 0..<3, using: &random)
        regions.hide(regions.replicaPath(region, chosen), hidden.isEmpty)
        log.append("\(hidden.isEmpty ? "lost" : "back") \(region) \(chosen)")
    }

    private mutating func toggleRegion() {
        let hidden = Self.names.first { regions.isHidden(regions.regionPath($0)) }
        let chosen = hidden ?? Self.names.randomElement(using: &random)!
        regions.hide(regions.regionPath(chosen), hidden == nil)
        log.append("\(hidden == nil ? "lost" : "back") \(chosen)")
    }

    private mutating func failOver() throws {
        let place = try regions.place()
        let accept = Bool.random(using: &random)
        do {
            let report = try regions.operations().failOver(
                RegionMove(place.activeName, acceptsLoss: accept))
            let atRisk = report.atRisk.compactMap(\.point?.id)
            #expect(replicated.isDisjoint(with: atRisk), "\(log)")
            #expect(report.isRefused == (!atRisk.isEmpty && !accept), "\(log)")
            if !accept, !report.isRefused {
                // Nothing was lost: the new active region has all that was ever acknowledged.
                try expectAll(in: place.passiveName!)
            }
            log.append("failover of \(place.activeName), refused \(report.isRefused)")
        } catch let error as KuraError {
            log.append("no failover: \(error.message)")
        }
    }

    /// Points that were left behind by an earlier failover are in a region that is away.
    private func expectAll(in region: String) throws {
        guard !Self.names.contains(where: { regions.isHidden(regions.regionPath($0)) }) else {
            return
        }
        let held = Set(try regions.vault(in: region).recoveryPointIDs())
        #expect(held == Set(acknowledged.keys), "\(log)")
    }

    private mutating func failBack() throws {
        do {
            let report = try regions.operations().failBack(RegionMove(TwoRegions.east))
            if !report.moved.isEmpty { try expectAll(in: TwoRegions.east) }
            log.append("failback, moved \(report.moved.count)")
        } catch let error as KuraError {
            log.append("no failback: \(error.message)")
        }
    }

    /// What must hold at every moment.
    mutating func check() throws {
        for name in Self.names where !regions.isHidden(regions.regionPath(name)) {
            let vault = try regions.vault(in: name)
            // Every point that a region shows is whole there; one at a time keeps this quick.
            if let id = try vault.recoveryPointIDs().randomElement(using: &random) {
                let bytes = try regions.restore(id, from: vault)
                #expect(bytes == acknowledged[id], "\(name) \(log)")
            }
        }
        if let id = replicated.randomElement(using: &random) {
            let bytes = try regions.restore(id, from: regions.place().reading())
            #expect(bytes == acknowledged[id], "\(log)")
        }
    }

    /// Everything comes back: nothing that was acknowledged is gone.
    mutating func finish() throws {
        for name in Self.names {
            if regions.isHidden(regions.regionPath(name)) {
                regions.hide(regions.regionPath(name), false)
            }
            for replica in 0..<3 where regions.isHidden(regions.replicaPath(name, replica)) {
                regions.hide(regions.replicaPath(name, replica), false)
            }
        }
        let back = try regions.operations().failBack(RegionMove(TwoRegions.east))
        #expect(!back.isRefused, "\(log)")
        // As the command does: replica to replica first, then region to region.
        let update = CopiesUpdate(vault: TwoRegions.vaultName)
        let warnings = try regions.operations().replicate(update).warnings
        // What a replica lacked because it was away is no damage.
        #expect(warnings.isEmpty, "\(warnings) \(log)")
        #expect(try regions.replicate().isComplete)
        for name in Self.names {
            let vault = try regions.vault(in: name)
            #expect(Set(try vault.recoveryPointIDs()) == Set(acknowledged.keys), "\(name) \(log)")
            let damaged = try vault.verify(VerifyRequest(level: .chunks)).damaged
            #expect(damaged.isEmpty, "\(damaged) \(log)")
        }
        let east = try regions.vault(in: TwoRegions.east)
        for (id, bytes) in acknowledged {
            #expect(try regions.restore(id, from: east) == bytes, "\(log)")
        }
    }
}

@Suite("Two regions against a model") struct RegionModelTests {
    @Test("Whatever is lost and comes back, every acknowledged point is there in the end")
    func days() throws {
        try forAll(cases: 2) { seed, random in
            try withTemporaryDirectory { directory in
                var days = try RandomDays(directory, random)
                for _ in 0..<14 {
                    try days.step()
                    try days.check()
                }
                try days.finish()
            }
        }
    }
}
