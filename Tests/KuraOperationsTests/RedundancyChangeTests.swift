import KuraFormat
import KuraIO
import KuraOperations
import KuraStore
import KuraVault
import TestSupport
import Testing

@Suite("Redundancy of a vault") struct RedundancyChangeTests {
    private let east = TwoRegions.east
    private let west = TwoRegions.west

    private func change(
        _ regions: TwoRegions, to kind: Redundancy, convert: Bool = false
    ) throws -> RedundancyChange {
        try regions.operations().setRedundancy(
            RedundancyRequest(vault: TwoRegions.vaultName, kind: kind, converts: convert))
    }

    @Test("is free to change until there is a recovery point, then frozen")
    func frozen() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, .lrs)
            #expect(try change(regions, to: .raGRS).from == .lrs)
            #expect(try regions.place().record.pair != nil)
            _ = try change(regions, to: .zrs)
            #expect(try regions.place().record.pair == nil)
            try regions.backup([1, 2, 3])
            for kind in [Redundancy.lrs, .grs] {
                let error = #expect(throws: KuraError.self) { try change(regions, to: kind) }
                #expect(error?.code == .refused)
            }
            #expect(try regions.place().record.redundancy == .zrs)
        }
    }

    @Test("is converted by a copy that is read back before the switch")
    func converted() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, .lrs)
            let bytes = SyntheticDisk(seed: 3, byteCount: 200_000).bytes
            let id = try regions.backup(bytes)
            let done = try change(regions, to: .grs, convert: true)
            #expect(done.copied?.points == 1)
            #expect(done.verifiedChunks > 0)
            removeTree(regions.regionPath(east))
            #expect(try regions.operations().failOver(RegionMove(east)).moved.count == 1)
            #expect(try regions.restore(id, from: regions.place().reading()) == bytes)
        }
    }

    @Test("stays what it was when the copy cannot be made")
    func notConverted() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, .lrs)
            try regions.backup(SyntheticDisk(seed: 4, byteCount: 100_000).bytes)
            for replica in regions.replicas {
                for file in try regions.files("packs", east, replica) {
                    try writeFile([], to: file)
                }
            }
            let error = #expect(throws: KuraError.self) {
                try change(regions, to: .grs, convert: true)
            }
            #expect(error?.code == .damaged)
            #expect(try regions.place().record.redundancy == .lrs)
        }
    }

    @Test("keeps the pair's copy when GRS is dropped, and says where")
    func dropped() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup([1, 2, 3])
            try regions.replicate()
            let done = try change(regions, to: .lrs, convert: true)
            #expect(done.leftBehind.count == 1)
            for path in done.leftBehind { #expect(try LocalFileSystem().exists(path)) }
            #expect(try regions.place().passive == nil)
            #expect(try regions.subscription().vaults().map(\.region.name) == [east])
            // Back to GRS, what is there is not sent again.
            #expect(try change(regions, to: .grs, convert: true).copied?.packs == 0)
        }
    }
}
