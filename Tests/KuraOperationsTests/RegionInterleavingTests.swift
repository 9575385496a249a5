import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraReplication
import KuraStore
import KuraVault
import Synchronization
import SystemPackage
import TestSupport
import Testing

private let east = TwoRegions.east
private let west = TwoRegions.west

private func disk(_ seed: UInt64) -> [UInt8] {
    SyntheticDisk(seed: seed, byteCount: 64 << 10).bytes
}

/// The table of FORMAT.md section 8, cells that need two regions or the vault's own lock.
@Suite("One operation beside another, in two regions")
struct RegionInterleavingTests {
    /// What holds the vault's own lock in a region.
    enum Owner: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case repair, replicate, prune, failover

        var testDescription: String { rawValue }

        func run(
            _ regions: TwoRegions, _ fileSystem: any FileSystem, _ waits: WaitPolicy = WaitPolicy()
        ) throws {
            let vault = try regions.vault(in: west, fileSystem: fileSystem, waits: waits)
            switch self {
            case .repair: _ = try vault.heal([])
            case .replicate:
                _ = try regions.replication(on: fileSystem, waits: waits).run(threads: 1)
            case .prune: _ = try vault.prune(PruneRequest(dropping: [], reason: "test"))
            case .failover: try Intake(into: vault, operation: "failover").end(clean: true)
            }
        }
    }

    @Test(
        "A second process that asks for the vault's own lock is refused, and learns who holds it",
        arguments: Owner.allCases, Owner.allCases)
    func own(_ holder: Owner, _ other: Owner) throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let id = try regions.backup(disk(1))
            try regions.replicate()
            // The holder has announced itself by then.
            let calls = InterleavingFileSystem(
                at: { $0 == .flushDirectory && $1.contains(west) && $1.hasSuffix("/sessions") },
                { try other.run(regions, LocalFileSystem(), WaitPolicy(limit: 0)) })
            try holder.run(regions, calls)
            let error = #expect(throws: KuraError.self) { try calls.finish() }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("kura \(holder.rawValue) (process ") == true)
            // The lock is free again.
            try other.run(regions, LocalFileSystem())
            #expect(try regions.restore(id, from: regions.vault(in: west)) == disk(1))
        }
    }

    @Test("A backup beside replication from its region: the other one shows complete points only")
    func backupBesideReplicationFrom() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let first = try regions.backup(disk(1))
            let second = Mutex<RecoveryPointID?>(nil)
            // Points are listed by then, and runs are not.
            let calls = InterleavingFileSystem(
                at: { $0 == .list && $1.contains(east) && $1.hasSuffix("/index") },
                {
                    let id = try regions.backup(disk(2), item: "other")
                    second.withLock { $0 = id }
                })
            let report = try regions.replication(on: calls).run(threads: 1)
            try calls.finish()
            #expect(report.isComplete)
            let passive = try regions.vault(in: west)
            #expect(try passive.recoveryPointIDs() == [first])
            #expect(try regions.restore(first, from: passive) == disk(1))
            try regions.replicate()
            let id = try #require(second.withLock { $0 })
            #expect(try regions.restore(id, from: regions.vault(in: west)) == disk(2))
        }
    }

    @Test("Replication into the region of a backup adds its points, and the backup completes")
    func replicationToBesideBackup() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup(disk(1))
            try regions.replicate()
            // As a backup that began before a failover leaves it: a point in one region alone.
            let foreign = try backup(
                disk(2), item: "foreign", into: regions.vault(in: west), directory)
            let calls = InterleavingFileSystem(
                at: { $0 == .rename && $1.contains("/packs/") },
                { _ = try regions.replicate() })
            let own = try backup(
                disk(3), item: "own", into: regions.vault(in: east, fileSystem: calls), directory)
            try calls.finish()
            let active = try regions.vault(in: east)
            #expect(try regions.restore(foreign, from: active) == disk(2))
            #expect(try regions.restore(own, from: active) == disk(3))
            #expect(try active.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    private func backup(
        _ bytes: [UInt8], item: String, into vault: Vault, _ directory: FilePath
    ) throws -> RecoveryPointID {
        let path = directory.appending("source-\(item)")
        try writeFile(bytes, to: path)
        let disk = BackupRequest.Disk(name: "disk", source: try FileSource(path))
        return try vault.backup(BackupRequest(item: item, disks: [disk], threads: 1)).id
    }

    @Test("A prune beside replication from its region leaves the packs that are being copied")
    func pruneBesideReplicationFrom() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let old = try regions.backup(disk(1))
            let new = try regions.backup(disk(2))
            let pruned = Mutex(CollectionReport())
            // The point that is dropped is in the plan.
            let calls = InterleavingFileSystem(
                at: { $0 == .read && $1.contains(east) && $1.contains("/packs/") },
                {
                    let report = try regions.vault(in: east).prune(
                        PruneRequest(dropping: [old], reason: "test"))
                    pruned.withLock { $0 = report }
                })
            let report = try regions.replication(on: calls).run(threads: 1)
            try calls.finish()
            #expect(report.isComplete, "\(report.allProblems)")
            #expect(pruned.withLock { $0.waitingBytes } > 0)
            #expect(try regions.restore(new, from: regions.vault(in: west)) == disk(2))
            #expect(try regions.replicate().isComplete)
            let passive = try regions.vault(in: west)
            #expect(try passive.recoveryPointIDs() == [new])
            #expect(try passive.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            let later = try regions.vault(in: east).prune(
                PruneRequest(dropping: [], reason: "test"))
            #expect(later.removedPacks > 0 && later.waitingBytes == 0)
            #expect(try regions.restore(new, from: regions.vault(in: east)) == disk(2))
        }
    }

    @Test("A backup that merges runs beside replication from its region: the new run is copied")
    func mergeBesideReplicationFrom() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            var ids: [RecoveryPointID] = []
            for seed: UInt64 in 0..<10 { ids.append(try regions.backup(disk(seed))) }
            let last = Mutex<RecoveryPointID?>(nil)
            // Runs are in the plan by then, and none was copied.
            let calls = InterleavingFileSystem(
                at: { $0 == .read && $1.contains(east) && $1.contains("/packs/") },
                {
                    let id = try regions.backup(disk(10), item: "other")
                    try regions.vault(in: east).mergeRuns()
                    last.withLock { $0 = id }
                })
            let report = try regions.replication(on: calls).run(threads: 1)
            try calls.finish()
            #expect(report.isComplete, "\(report.allProblems)")
            #expect(try regions.files("index", east).count < 10)
            let passive = try regions.vault(in: west)
            #expect(try Set(passive.recoveryPointIDs()).isSuperset(of: ids))
            for (seed, id) in ids.enumerated() {
                #expect(try regions.restore(id, from: passive) == disk(UInt64(seed)))
            }
            #expect(try regions.replicate().isComplete)
            let id = try #require(last.withLock { $0 })
            #expect(try regions.restore(id, from: regions.vault(in: west)) == disk(10))
            #expect(
                try regions.vault(in: west).verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }

    @Test("A verify beside a failover takes no record for damaged that was replaced meanwhile")
    func verifyBesideFailover() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup(disk(1))
            try regions.replicate()
            let calls = InterleavingFileSystem(
                at: { $0 == .open && $1.contains(east) && $1.hasSuffix("/vault") },
                { _ = try regions.operations().failOver(RegionMove(east)) })
            let report = try regions.vault(in: east, fileSystem: calls).verify(
                VerifyRequest(level: .packs, threads: 1))
            try calls.finish()
            #expect(report.damaged.isEmpty, "\(report.damaged)")
        }
    }

    /// Makes the other region active without a copy of what this one has.
    private func switchRegions(_ regions: TwoRegions) throws {
        var record = try regions.place().record
        record.failedOver.toggle()
        record.revision = try #require(record.revisionAfterFailover)
        for name in [west, east] {
            let intake = try Intake(into: regions.vault(in: name), operation: "failover")
            try intake.publish(record)
            intake.end(clean: true)
        }
    }

    @Test("What a command that began before a failover enters keeps the journal whole")
    func journalBesideFailover() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup(disk(1))
            try regions.replicate()
            let before = try regions.subscription()
            let old = try before.place(named: TwoRegions.vaultName).writing()
            try switchRegions(regions)
            try regions.createPolicy("gold")
            // Entries of the new epoch are in the catalog, and in the journal after a copy.
            try before.record("Backup", "made before the failover", in: old)
            try regions.replicate()
            try before.record("Prune", "made before the failover, too", in: old)
            var late = Policy.standard
            late.name = "late"
            let error = #expect(throws: KuraError.self) { try before.createPolicy(late, in: old) }
            #expect(error?.code == .locked)
            try regions.createPolicy("silver")
            try regions.replicate()

            let subscription = try regions.subscription()
            let vault = try subscription.place(named: TwoRegions.vaultName).reading()
            let entries = try subscription.audit(of: vault)
            let problems = try subscription.auditProblems(of: vault, entries)
            #expect(problems.isEmpty, "\(problems)")
            #expect(entries.contains { $0.entry.note == "made before the failover, too" })
            let names = try subscription.settings(of: vault).policies.keys
            #expect(names.contains("gold") && names.contains("silver"))
        }
    }

    @Test("An entry that arrives between a read of the journal and its check is no gap")
    func journalBesideReplication() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            for name in ["gold", "silver", "bronze"] { try regions.createPolicy(name) }
            let subscription = try regions.subscription()
            let vault = try subscription.place(named: TwoRegions.vaultName).reading()
            let entries = try subscription.audit(of: vault)
            let before = entries.filter { $0.id != entries[entries.count - 2].id }
            let problems = try subscription.auditProblems(of: vault, before)
            #expect(problems.isEmpty, "\(problems)")
        }
    }

    @Test(
        "What a backup beside a failback leaves in the other region waits there, and is not missing"
    )
    func waitingAcross() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup(disk(1))
            try regions.replicate()
            try switchRegions(regions)
            let id = try regions.backup(disk(2))
            try regions.createPolicy("gold")
            // The home sees the point.
            #expect(try regions.subscription().missingPoints(of: regions.place()).isEmpty)
            try switchRegions(regions)

            let subscription = try regions.subscription()
            let place = try subscription.place(named: TwoRegions.vaultName)
            #expect(place.activeName == east)
            #expect(
                try subscription.absences().allSatisfy { $0.isElsewhere && $0.vault == place.name })
            let absences = subscription.missingPoints(of: place)
            #expect(absences.map(\.isElsewhere) == [true])
            #expect(
                absences.first?.message.contains(
                    "is in region japanwest only: \(id.short) of item") == true)
            #expect(absences.first?.remedy == .vault(.replicate(TwoRegions.vaultName)))
            let error = #expect(throws: KuraError.self) {
                try subscription.recoveryPoint(id.hex, in: nil)
            }
            #expect(error?.message.contains("is in region japanwest only") == true)
            let vault = try place.reading()
            #expect(
                try subscription.auditProblems(of: vault, subscription.audit(of: vault)).isEmpty)
            try regions.replicate()
            #expect(try regions.subscription().missingPoints(of: regions.place()).isEmpty)
        }
    }

    @Test("A backup beside a failover ends in the old region, and replication takes its point over")
    func failoverBesideBackup() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let first = try regions.backup(disk(1))
            try regions.replicate()
            let calls = InterleavingFileSystem(
                at: { $0 == .rename && $1.contains("/packs/") },
                {
                    let report = try regions.operations().failOver(RegionMove(east))
                    #expect(!report.isRefused && report.moved.count == 1)
                })
            let second = try backup(
                disk(2), item: "item", into: regions.vault(in: east, fileSystem: calls), directory)
            try calls.finish()
            #expect(try regions.place().activeName == west)
            try regions.replicate()
            let active = try regions.place().reading()
            #expect(active.region.name == west)
            #expect(try regions.restore(first, from: active) == disk(1))
            #expect(try regions.restore(second, from: active) == disk(2))
        }
    }

    @Test("A catalog rebuild beside a backup has the points that were committed by then")
    func rebuildBesideBackup() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup(disk(1))
            let calls = InterleavingFileSystem(
                at: { $0 == .rename && $1.contains("/points/") },
                {
                    let report = try Operations.rebuildCatalog(
                        home: regions.home, replicas: [], context: .test())
                    #expect(report.report.points == 1)
                    #expect(report.report.warnings.isEmpty)
                })
            _ = try backup(
                disk(2), item: "other", into: regions.vault(in: east, fileSystem: calls), directory)
            try calls.finish()
            let later = try Operations.rebuildCatalog(
                home: regions.home, replicas: [], context: .test())
            #expect(later.report.points == 2)
        }
    }

    @Test("A catalog rebuild beside a failover goes by the record with the highest revision")
    func rebuildBesideFailover() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, replicas: 2)
            let id = try regions.backup(disk(1))
            try regions.replicate()
            var next = try regions.place().record
            next.failedOver = true
            next.revision = try #require(next.revisionAfterFailover)
            let record = next
            // One replica of the new active region has the record by then.
            let calls = InterleavingFileSystem(
                at: { $0 == .flushDirectory && $1.hasSuffix("/vaults/\(record.id.hex)") },
                {
                    let subscription = try Operations.rebuildCatalog(
                        home: regions.home, replicas: [], context: .test()
                    ).subscription
                    let place = try subscription.place(named: TwoRegions.vaultName)
                    #expect(place.activeName == west)
                    #expect(try regions.restore(id, from: place.reading()) == disk(1))
                })
            let intake = try Intake(
                into: regions.vault(in: west, fileSystem: calls), operation: "failover")
            try intake.publish(record)
            intake.end(clean: true)
            try calls.finish()
        }
    }
}
