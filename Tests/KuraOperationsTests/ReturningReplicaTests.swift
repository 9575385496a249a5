import KuraFormat
import KuraOperations
import KuraStore
import TestSupport
import Testing

@Suite("A replica that was away") struct ReturningReplicaTests {
    @Test("What a replica lacks because it was away is copied, and not called damage")
    func noDamage() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, .grs, replicas: 3)
            let disk = SyntheticDisk(seed: 1, byteCount: 30_000)
            try regions.backup(disk.bytes)
            try regions.replicate()
            let away = regions.replicaPath(TwoRegions.west, 0)
            regions.hide(away, true)
            try regions.backup(disk.edited(seed: 2).bytes)
            try regions.replicate()
            regions.hide(away, false)
            let report = try regions.operations().replicate(
                CopiesUpdate(vault: TwoRegions.vaultName))
            #expect(report.damage.isEmpty && report.warnings.isEmpty, "\(report.warnings)")
            let vault = try regions.vault(in: TwoRegions.west)
            #expect(try vault.catchUpPlan().isEmpty)
        }
    }
}
