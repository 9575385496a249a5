import KuraFormat
import KuraIO
import KuraOperations
import SystemPackage
import TestSupport
import Testing

@Suite("Drill") struct DrillTests {
    @Test("restores the newest replicated point, compares it, and writes nothing but its entry")
    func drill() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            let disk = SyntheticDisk(seed: 5, byteCount: 200_000)
            let id = try regions.backup(disk.bytes)
            try regions.replicate()
            try regions.backup(disk.edited(seed: 1).bytes)
            let before = try listing(regions)
            let report = try regions.operations().drill(
                DrillRequest(vault: TwoRegions.vaultName, scratch: directory))
            #expect(report.id == id)
            #expect(report.lag > 0 && report.age >= report.lag)
            #expect(report.isCompared && report.differing.isEmpty)
            #expect(report.bytes == UInt64(disk.bytes.count))
            #expect(try listing(regions) == before)
            #expect(
                try LocalFileSystem().list(directory).allSatisfy { !$0.hasPrefix("kura-drill") })
            removeTree(regions.regionPath(TwoRegions.east))
            let alone = try regions.operations().drill(
                DrillRequest(vault: TwoRegions.vaultName, scratch: directory))
            #expect(alone.id == id && !alone.isCompared)
        }
    }

    @Test("fails when nothing was replicated")
    func nothing() throws {
        try withTemporaryDirectory { directory in
            let regions = try TwoRegions(directory)
            try regions.backup([1])
            let error = #expect(throws: KuraError.self) {
                try regions.operations().drill(
                    DrillRequest(vault: TwoRegions.vaultName, scratch: directory))
            }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("no recovery point") == true)
        }
    }

    /// Every file of both regions with its time of change, but those of journals, and lock files: a
    /// lock's holder leaves its name in them.
    private func listing(_ regions: TwoRegions) throws -> [String: Int64] {
        var found: [String: Int64] = [:]
        func walk(_ path: FilePath) throws {
            let status = try LocalFileSystem().status(path)
            guard status.kind == .directory else {
                found[path.string] = status.changed
                return
            }
            for name in try LocalFileSystem().list(path) where !["journal", "locks"].contains(name)
            {
                try walk(path.appending(name))
            }
        }
        try walk(regions.home.appending("regions"))
        return found
    }
}
