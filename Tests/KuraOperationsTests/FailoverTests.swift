import KuraFormat
import KuraIO
import KuraOperations
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("Failover") struct FailoverTests {
    private let east = TwoRegions.east
    private let west = TwoRegions.west

    private func disk(_ seed: UInt64) -> [UInt8] {
        SyntheticDisk(seed: seed, byteCount: 60_000).bytes
    }

    @Test("refuses while it would leave a committed point behind, and says which")
    func refuses() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let kept = try regions.backup(disk(1))
            try regions.replicate()
            let lost = try regions.backup(disk(2))
            removeTree(regions.regionPath(east))
            let refused = try regions.operations().failOver(RegionMove(east))
            #expect(refused.isRefused && refused.moved.isEmpty)
            #expect(refused.atRisk.map(\.point?.id) == [lost])
            #expect(try regions.place().activeName == east)
            let moved = try regions.operations().failOver(RegionMove(east, acceptsLoss: true))
            #expect(moved.moved.map(\.to) == [west])
            let vault = try regions.place().writing()
            #expect(vault.region.name == west)
            #expect(try vault.recoveryPointIDs() == [kept])
            let next = try regions.backup(disk(3))
            #expect(try regions.restore(next, from: regions.place().reading()) == disk(3))
        }
    }

    @Test("writes what the home remembers of the journal to the region that takes over")
    func journal() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup(disk(1))
            try regions.replicate()
            try regions.createPolicy("gold")
            removeTree(regions.regionPath(east))
            let report = try regions.operations().failOver(RegionMove(east))
            #expect(report.moved.count == 1 && report.warnings.isEmpty)
            let subscription = try regions.subscription()
            let vault = try regions.place().reading()
            let entries = try subscription.audit(of: vault)
            #expect(entries.contains { $0.entry.subject == "policy/gold" })
            #expect(try subscription.auditProblems(of: vault, entries).isEmpty)
        }
    }

    @Test("copies first what can still be copied")
    func reachable() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let id = try regions.backup(disk(1))
            let report = try regions.operations().failOver(RegionMove(east))
            #expect(report.atRisk.isEmpty && report.moved.count == 1)
            #expect(try regions.vault(in: west).recoveryPointIDs() == [id])
            let place = try regions.place()
            #expect(place.record.failedOver && place.record.revision == 1 << 32)
            // Once more, there is nothing to do.
            #expect(try regions.operations().failOver(RegionMove(east)).moved.isEmpty)
        }
    }

    @Test("refuses when the home does not know what was lost")
    func unknown() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup(disk(1))
            removeTree(regions.home.appending("replication"))
            removeTree(regions.regionPath(east))
            let refused = try regions.operations().failOver(RegionMove(east))
            #expect(refused.isRefused)
            #expect(refused.atRisk.count == 1 && refused.atRisk[0].point == nil)
        }
    }

    @Test("lists points that vanished from a region that is still there")
    func vanished() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let id = try regions.backup(disk(1))
            let vault = try regions.place().record.id.hex
            for replica in regions.replicas {
                removeTree(regions.replicaPath(east, replica).pushing(FilePath("vaults/\(vault)")))
            }
            let refused = try regions.operations().failOver(RegionMove(east))
            #expect(refused.isRefused)
            #expect(refused.atRisk.map(\.point?.id) == [id])
        }
    }

    @Test("counts points without a good copy")
    func unreadable() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let id = try regions.backup(disk(1))
            let other = try regions.backup(disk(2), item: "other")
            for replica in regions.replicas {
                for file in try regions.files("points", east, replica)
                where file.lastComponent?.string == id.hex {
                    try writeFile([1], to: file)
                }
            }
            let refused = try regions.operations().failOver(RegionMove(east))
            #expect(refused.isRefused)
            #expect(refused.atRisk.map(\.point?.id) == [id])
            #expect(try regions.vault(in: west).recoveryPointIDs() == [other])
        }
    }

    @Test("An old primary that comes back adds what it has, and fails back without loss")
    func comesBack() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            var made = [try regions.backup(disk(1)): disk(1)]
            try regions.replicate()
            made[try regions.backup(disk(2))] = disk(2)
            regions.hide(regions.regionPath(east), true)
            _ = try regions.operations().failOver(RegionMove(east, acceptsLoss: true))
            made[try regions.backup(disk(3))] = disk(3)
            let gone = #expect(throws: KuraError.self) {
                try regions.operations().failBack(RegionMove(east))
            }
            #expect(gone?.code == .replicaMissing)
            regions.hide(regions.regionPath(east), false)
            // It does not know of the failover; the higher revision counts all the same.
            #expect(try regions.place().activeName == west)
            let report = try regions.operations().failBack(RegionMove(east))
            #expect(report.moved.map(\.to) == [east] && report.atRisk.isEmpty)
            for region in [east, west] {
                let vault = try regions.vault(in: region)
                #expect(Set(try vault.recoveryPointIDs()) == Set(made.keys))
                for (id, bytes) in made { #expect(try regions.restore(id, from: vault) == bytes) }
            }
            #expect(try regions.place().record.revision == 2 << 32)
        }
    }

    @Test("A region whose directories are gone for good is made anew and filled by the failback")
    func recreated() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let id = try regions.backup(disk(1))
            try regions.replicate()
            removeTree(regions.regionPath(east))
            let again = Subscription.NewRegion(name: east, recreate: true)
            let refused = #expect(throws: KuraError.self) {
                try regions.subscription().addRegion(again)
            }
            #expect(refused?.code == .refused)
            _ = try regions.operations().failOver(RegionMove(east))
            _ = try regions.subscription().addRegion(again)
            #expect(try regions.operations().failBack(RegionMove(east)).moved.count == 1)
            #expect(try regions.restore(id, from: regions.vault(in: east)) == disk(1))
        }
    }

    @Test("A failover that is killed at any call has moved each vault or has not")
    func killed() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, replicas: 3)
            let id = try regions.backup(disk(1))
            try regions.replicate()
            // The record is in some replicas of the new active region only.
            var record = try regions.place().record
            record.failedOver = true
            record.revision = try #require(record.revisionAfterFailover)
            let file = "vaults/\(record.id.hex)/vault"
            for replica in regions.replicas {
                try writeFile(
                    record.encoded(), to: regions.replicaPath(west, replica).pushing(FilePath(file))
                )
                #expect(try regions.place().activeName == west)
                #expect(try regions.restore(id, from: regions.place().reading()) == disk(1))
            }
            try regions.replicate()
            #expect(try regions.vault(in: east).holdsRecordEverywhere(record, regions))
        }
    }

    @Test("Two different records of one revision are read and not written")
    func rivals() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, replicas: 3)
            let id = try regions.backup(disk(1))
            try regions.replicate()
            var rival = try regions.place().record
            rival.minCopies = 3
            let path = regions.replicaPath(west, 2).pushing(
                FilePath("vaults/\(rival.id.hex)/vault"))
            try writeFile(rival.encoded(), to: path)
            let place = try regions.place()
            #expect(place.isContested)
            #expect(try regions.restore(id, from: place.reading()) == disk(1))
            let errors = [
                #expect(throws: KuraError.self) { try regions.backup(disk(2)) },
                #expect(throws: KuraError.self) { try regions.replicate() },
                #expect(throws: KuraError.self) {
                    try regions.operations().failOver(RegionMove(east, acceptsLoss: true))
                },
            ]
            #expect(errors.allSatisfy { $0?.code == .refused })
        }
    }

    @Test("The secondary is readable with RA-GRS only, or after a failover")
    func secondary() throws {
        for redundancy in [Redundancy.grs, .raGRS] {
            try withTemporaryDirectory { directory in
                let regions = try TwoRegions(directory, redundancy)
                let id = try regions.backup(disk(1))
                try regions.replicate()
                let name = TwoRegions.vaultName
                let direct = Result { try regions.subscription().vault(named: name, in: west) }
                removeTree(regions.regionPath(east))
                let alone = Result { try regions.place().reading() }
                if redundancy == .raGRS {
                    #expect(try regions.restore(id, from: direct.get()) == disk(1))
                    #expect(try regions.restore(id, from: alone.get()) == disk(1))
                    #expect(try regions.place().notice != nil)
                } else {
                    #expect(throws: KuraError.self) { try direct.get() }
                    #expect(throws: KuraError.self) { try alone.get() }
                }
                _ = try regions.operations().failOver(RegionMove(east))
                #expect(try regions.restore(id, from: regions.place().reading()) == disk(1))
            }
        }
    }
}

extension Vault {
    /// Whether each replica's file is this record.
    fileprivate func holdsRecordEverywhere(
        _ record: VaultRecord, _ regions: TwoRegions
    ) throws -> Bool {
        try regions.replicas.allSatisfy { replica in
            let path = regions.replicaPath(region.name, replica).pushing(
                FilePath("vaults/\(record.id.hex)/vault"))
            return try LocalFileSystem().contents(path, max: 1 << 20) == record.encoded()
        }
    }
}
