import KuraCodec
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Vaults of every released format") struct FixtureTests {
    /// Never regenerated, only added to: what was written once must stay readable.
    private static let formats = ["format-v1"]

    private static func folder(_ name: String) -> FilePath {
        var path = FilePath(#filePath)
        for _ in 0..<2 { path.removeLastComponent() }
        return path.appending("Fixtures").appending(name)
    }

    @Test("Every recovery point restores to the hashes that were written down", arguments: formats)
    func restores(format: String) throws {
        let folder = Self.folder(format)
        let replica = folder.appending("replica-0")
        let identity = try ReplicaRecord.decode(readFile(replica.appending("replica")))
        let region = Region(id: identity.region, name: identity.regionName, replicas: [replica])
        let record = try #require(region.vaults().first)
        let vault = Vault(region: region, record: record)
        let expected = String(decoding: try readFile(folder.appending("expected")), as: UTF8.self)
        var count = 0
        for line in expected.split(separator: "\n") where !line.hasPrefix("#") {
            let fields = line.split(separator: " ")
            let id = try #require(RecoveryPointID(hex: fields[0]))
            let point = try vault.recoveryPoint(id)
            let disk = try #require(point.disks.first { $0.name == fields[1] })
            try withTemporaryDirectory { directory in
                let path = directory.appending("disk")
                _ = try vault.restore(disk, to: SinkPath(path).open(byteCount: disk.byteCount))
                #expect(ChunkHasher.digest(try readFile(path)).hex == fields[2])
            }
            count += 1
        }
        #expect(count == 6)
        #expect(vault.damage.isEmpty)
        #expect(try vault.verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
    }
}
