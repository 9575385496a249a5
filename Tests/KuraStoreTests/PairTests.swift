import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("The paired region") struct PairTests {
    /// The vault with a second region that holds a copy of replica 0 as its only replica.
    private func paired(_ store: TestStore) throws -> Vault {
        let path = store.directory.appending("pair-0")
        let region = try Region.create(name: "pair", replicas: [path])
        try copyTree(
            store.vaultPath(replica: 0), to: path.appending("vaults").appending(store.vault.id.hex))
        return Vault(region: store.reopened().region, record: store.vault.record, pair: region)
    }

    @Test("is read where the region has no good copy", arguments: DamageTests.kinds)
    func fallBack(kind: String) throws {
        try forAll(cases: 1) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                let disk = SyntheticDisk(seed: seed, byteCount: 300_000).bytes
                let report = try store.backup(disk)
                let vault = try paired(store)
                for replica in 0..<3 {
                    for file in try store.files(kind, replica: replica) {
                        try Mutation.zeroed.apply(to: file, other: [], &random)
                    }
                }
                #expect(try store.restore(report.id, from: vault) == disk, "seed \(seed)")
                #expect(!vault.damage.isEmpty, "seed \(seed)")
                #expect(vault.damage.allSatisfy { $0.region == "test" }, "seed \(seed)")
            }
        }
    }

    @Test("may lack what is new, which is no damage")
    func behind() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 300_000)
            try store.backup(disk.bytes)
            let vault = try paired(store)
            let edited = disk.edited(seed: 4).bytes
            let report = try store.backup(edited, into: vault)
            #expect(try store.restore(report.id, from: vault) == edited)
            #expect(vault.damage.isEmpty)
            #expect(try store.files("points", replica: 0).count == 2)
            let pairPoints = vault.pair[0].path.appending("vaults/\(vault.id.hex)/points")
            #expect(try LocalFileSystem().list(pairPoints).count == 1)
        }
    }
}
