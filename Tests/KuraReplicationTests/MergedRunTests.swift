import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Runs that are merged away meanwhile") struct MergedRunTests {
    /// Four backups in the active region, with a run each.
    private func fourRuns(_ directory: FilePath) throws -> VaultPair {
        let regions = try VaultPair(directory)
        for seed in 0..<4 {
            try regions.backup(SyntheticDisk(seed: UInt64(seed), byteCount: 60_000).bytes)
        }
        #expect(try regions.files("index", VaultPair.east).count == 4)
        return regions
    }

    /// Does something before a call on a run of the active region.
    private func atCall(
        _ number: Int, _ body: @escaping @Sendable () throws -> Void
    ) -> InterleavingFileSystem {
        InterleavingFileSystem(
            at: {
                $1.contains("/\(VaultPair.east)/") && $1.split(separator: "/").contains("index")
            },
            number: number, body)
    }

    /// Runs `work` over and over, each time with a merge before another call on a run.
    private func mergingAtEachCall(
        _ work: (VaultPair, any FileSystem) throws -> Void
    ) throws {
        var calls = 0
        try withTemporaryDirectory { directory in
            let regions = try fourRuns(directory)
            let counting = atCall(.max) {}
            try work(regions, counting)
            calls = counting.calls
        }
        #expect(calls > 4)
        // With a vault of four runs most calls are made four times.
        for number in stride(from: 1, through: calls, by: 2) {
            try withTemporaryDirectory { directory in
                let regions = try fourRuns(directory)
                let merging = atCall(number) {
                    try regions.vault(in: VaultPair.east).mergeRuns()
                }
                try work(regions, merging)
                try merging.finish()
                #expect(try regions.files("index", VaultPair.east).count < 4, "call \(number)")
            }
        }
    }

    @Test("A copy to the other region says nothing of damage, and is complete the next time")
    func copied() throws {
        try mergingAtEachCall { regions, fileSystem in
            let replication = regions.replication(on: fileSystem)
            let report = try replication.run()
            #expect(report.allProblems.isEmpty, "\(report.allProblems)")
            #expect(replication.active.damage.isEmpty, "\(replication.active.damage)")
            // The points there name runs of which the merge took some away.
            let copied = try regions.vault(in: VaultPair.west).verify(VerifyRequest(level: .packs))
            #expect(copied.damaged.isEmpty, "\(copied.damaged)")
            #expect(try regions.replicate().isComplete)
            let west = try regions.vault(in: VaultPair.west).verify(VerifyRequest(level: .chunks))
            #expect(west.damaged.isEmpty)
        }
    }

    @Test("A verification finds no damage")
    func verified() throws {
        try mergingAtEachCall { regions, fileSystem in
            let vault = regions.vault(in: VaultPair.east, fileSystem: fileSystem)
            let report = try vault.verify(VerifyRequest(level: .chunks))
            #expect(report.damaged.isEmpty, "\(report.damaged)")
        }
    }
}
