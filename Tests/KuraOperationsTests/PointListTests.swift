import KuraIO
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("The list of recovery points") struct PointListTests {
    @Test("A point that comes to the last replica while points are listed is not incomplete")
    func comesMeanwhile() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory, replicas: 2)
            try regions.backup(SyntheticDisk(seed: 1, byteCount: 64 << 10).bytes)
            let file = try #require(try regions.files("points", TwoRegions.east, 1).first)
            let bytes = try readFile(file)
            try LocalFileSystem().remove(file)
            let calls = InterleavingFileSystem(
                at: {
                    $0 == .list && $1.contains(TwoRegions.east) && $1.hasSuffix("/receipts")
                },
                { try writeFile(bytes, to: file) })
            let subscription = try Subscription.open(
                home: regions.home, create: .nothing, context: .test(), fileSystem: calls)
            let report = try Operations(subscription, .test()).recoveryPoints()
            try calls.finish()
            #expect(report.points.map(\.isIncomplete) == [false])
            #expect(report.points.map(\.holders) == [[0, 1]])
        }
    }
}
