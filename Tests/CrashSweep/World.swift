import Glibc
import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import SystemPackage
import TestSupport

/// A vault in two regions of three replicas on one simulated disk. Sources and targets of disks are
/// real files, which no power cut touches.
struct World: @unchecked Sendable {
    // Copied, never shared between threads; the contents are immutable.
    var fileSystem: SimulatedFileSystem
    private let scratch: FilePath
    private let regions: [(name: String, id: UniqueID, replicas: [FilePath])]
    private let record: VaultRecord
    /// What every recovery point that was acknowledged, and not dropped, holds.
    var acknowledged: [RecoveryPointID: [UInt8]] = [:]
    /// Points that were dropped, or may have been when the power failed.
    var dropped: Set<RecoveryPointID> = []

    /// - Parameters:
    ///   - scratch: a directory of its own.
    ///   - isPaired: whether the vault is in the second region, too.
    init(scratch: FilePath, isPaired: Bool, seed: UInt64) throws {
        self.scratch = scratch
        fileSystem = SimulatedFileSystem()
        var regions: [(name: String, id: UniqueID, replicas: [FilePath])] = []
        for name in isPaired ? ["east", "west"] : ["east"] {
            let replicas = (0..<3).map { FilePath("/\(name)-\($0)") }
            let region = try Region.create(
                name: name, replicas: replicas, fileSystem: fileSystem)
            regions.append((name, region.id, replicas))
        }
        self.regions = regions
        record = VaultRecord(
            id: .random(), name: "vault", region: regions[0].id,
            pair: isPaired ? regions[1].id : nil, revision: 1, created: 0,
            redundancy: isPaired ? .grs : .lrs, copies: 3, minCopies: 2, chunker: .gearTail,
            chunkBytesMean: 4096,
            requiredFeatures: [ChunkerKind.gearTail.rawValue, Feature.sha256, Feature.zstd],
            optionalFeatures: [])
        _ = try Vault.create(record, in: region(0))
    }

    /// The same world on another disk.
    func moved(to fileSystem: SimulatedFileSystem) -> World {
        var world = self
        world.fileSystem = fileSystem
        return world
    }

    private func region(_ number: Int) -> Region {
        Region(
            id: regions[number].id, name: regions[number].name, replicas: regions[number].replicas,
            fileSystem: fileSystem)
    }

    /// The vault, opened anew.
    /// - Parameter number: 0 for the active region, 1 for the other one.
    func vault(in number: Int = 0) -> Vault { Vault(region: region(number), record: record) }

    func directory(replica: Int) -> FilePath {
        regions[0].replicas[replica].appending("vaults").appending(record.id.hex)
    }

    /// Backs up a disk with these bytes, and remembers them when the backup was acknowledged.
    @discardableResult
    mutating func backup(_ bytes: [UInt8]) throws -> RecoveryPointID {
        let path = scratch.appending("source")
        try Scratch.write(bytes, to: path)
        let disk = BackupRequest.Disk(name: "disk", source: .file(try SourceFile(path)))
        let request = BackupRequest(item: "item", disks: [disk], level: 1, threads: 1)
        let id = try vault().backup(request).id
        acknowledged[id] = bytes
        return id
    }

    func restore(_ id: RecoveryPointID, from vault: Vault) throws -> [UInt8] {
        let path = scratch.appending("target")
        let file = try FileDescriptor.open(
            path, .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
        return try file.closeAfter {
            let stream = OutputStream(descriptor: file.rawValue, name: "target")
            let disk = try vault.recoveryPoint(id).disks[0]
            _ = try vault.restore(disk, to: .stream(stream), threads: 1)
            return try LocalFileSystem().contents(path, max: 1 << 30)
        }
    }

    func replicate() throws {
        let report = try Replication(active: vault(), passive: vault(in: 1)).run(threads: 1)
        guard report.isComplete else { throw Violation("\(report.allProblems)") }
    }

    func prune(dropping ids: Set<RecoveryPointID> = []) throws -> CollectionReport {
        try vault().prune(PruneRequest(dropping: ids, reason: "sweep"))
    }
}

enum Scratch {
    static func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(bytes) }
    }
}

/// A promise that was not kept.
struct Violation: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
