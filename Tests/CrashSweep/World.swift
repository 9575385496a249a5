import KuraFormat
import KuraIO
import KuraReplication
import KuraStore
import Simulation
import SystemPackage
import TestSupport

/// A vault in one or two regions of three replicas on one simulated disk, and what was promised of
/// it. Sources of disks are real files, which no power cut touches.
struct World: @unchecked Sendable {
    // Copied, never shared between threads; the contents are immutable.
    var fileSystem: SimulatedFileSystem
    private let scratch: FilePath
    private let regions: [(name: String, id: UniqueID, replicas: [FilePath])]
    private var record: VaultRecord
    var promises = Promises()

    /// A file that a disk is restored to.
    static let target: FilePath = "/target.img"

    /// What was acknowledged, and what may have happened without that.
    struct Promises {
        var hasVault = false
        /// What every recovery point that was acknowledged holds.
        var points: [RecoveryPointID: [UInt8]] = [:]
        /// Points that may have been dropped, and those that were.
        var mayBeDropped: Set<RecoveryPointID> = []
        var dropped: Set<RecoveryPointID> = []
        /// Points that lack something, so that restoring them may be refused.
        var mayLack: Set<RecoveryPointID> = []
        /// Entries of the journal.
        var settings: Set<JournalID> = []
        /// Lines of the ledger, at least.
        var repairs = 0
        var target: Target?

        /// Equal only where the same is promised. Bytes follow from the names of points.
        var key: Int {
            var hasher = Hasher()
            hasher.combine(hasVault)
            hasher.combine(Set(points.keys))
            hasher.combine(mayBeDropped)
            hasher.combine(dropped)
            hasher.combine(mayLack)
            hasher.combine(settings)
            hasher.combine(repairs)
            if case .complete = target { hasher.combine(1) }
            return hasher.finalize()
        }
    }

    /// What the file may hold that a disk is restored to.
    enum Target {
        /// Nothing, or all of it.
        case absentOr([UInt8])
        /// All of the old one, or all of the new one.
        case either(old: [UInt8], new: [UInt8])
        case complete([UInt8])
    }

    /// - Parameters:
    ///   - scratch: a directory of its own.
    ///   - isPaired: whether there is a second region, too.
    init(scratch: FilePath, isPaired: Bool) throws {
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

    /// Whether some replica says that there is a vault.
    func hasVault() throws -> Bool { try region(0).survey().records[record.id] != nil }

    func directory(replica: Int) -> FilePath {
        regions[0].replicas[replica].appending("vaults").appending(record.id.hex)
    }

    // MARK: Operations

    mutating func create() throws {
        if try !hasVault() {
            record.id = .random()
            _ = try Vault.create(record, in: region(0))
        }
        promises.hasVault = true
    }

    /// Backs up a disk with these bytes, and remembers them when the backup was acknowledged.
    mutating func backup(_ bytes: [UInt8]) throws {
        let path = scratch.appending("source")
        try Scratch.write(bytes, to: path)
        let disk = BackupRequest.Disk(name: "disk", source: try FileSource(path))
        let request = BackupRequest(item: "item", disks: [disk], level: 1, threads: 1)
        let id = try vault().backup(request).id
        promises.points[id] = bytes
    }

    func bytes(of id: RecoveryPointID, from vault: Vault) throws -> [UInt8] {
        let path = scratch.appending("target")
        let file = try FileDescriptor.open(
            path, .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
        return try file.closeAfter {
            let disk = try vault.recoveryPoint(id).disks[0]
            let stream = StreamSink(
                descriptor: file.rawValue, name: "target", byteCount: disk.byteCount)
            _ = try vault.restore(disk, to: stream, threads: 1)
            return try LocalFileSystem().contents(path, max: 1 << 30)
        }
    }

    /// Restores the newest point to `World.target`.
    mutating func restore(overwrite: Bool) throws {
        let vault = vault()
        guard let newest = try vault.recoveryPoints().first else {
            throw Violation("I1: there is no point to restore")
        }
        let disk = newest.point.disks[0]
        let target = try SinkPath(Self.target, overwrites: overwrite)
            .open(byteCount: disk.byteCount, on: fileSystem)
        _ = try vault.restore(disk, to: target, threads: 1)
        promises.target = promises.points[newest.id].map { .complete($0) }
    }

    func replicate() throws {
        let report = try Replication(active: vault(), passive: vault(in: 1)).run(threads: 1)
        guard report.isComplete else { throw Violation("\(report.allProblems)") }
    }

    mutating func prune(dropping ids: Set<RecoveryPointID> = []) throws {
        promises.mayBeDropped.formUnion(ids)
        let report = try vault().prune(PruneRequest(dropping: ids, reason: "sweep"))
        if let obstacle = report.obstacle { throw Violation("nothing was collected: \(obstacle)") }
        promises.dropped.formUnion(ids)
    }

    mutating func repair() throws {
        let report = try vault().verify(VerifyRequest(level: .packs, repair: true, threads: 1))
        if report.damaged.contains(where: { !$0.isRepaired }) {
            throw Violation("not healed: \(report.damaged)")
        }
        promises.repairs = max(promises.repairs, try vault().repairs().count)
    }

    /// Gives up what no copy has right, and backs up the disk that it was of.
    mutating func salvage(_ bytes: [UInt8]) throws {
        _ = try vault().verify(VerifyRequest(level: .chunks, repair: true, threads: 1))
        promises.repairs = max(promises.repairs, try vault().repairs().count)
        try backup(bytes)
        promises.mayLack = []
    }

    mutating func changeSetting() throws {
        let vault = vault()
        let entry = JournalEntry(
            vault: vault.id, sequence: UInt64(try vault.journal().count + 1), epoch: 0,
            previous: try vault.journal().last?.id, time: Clock.now(), actor: "sweep",
            operation: "UpdatePolicy", subject: "policy/gold", before: "", after: "{}", note: "")
        let id = try vault.withJournal { writer throws(KuraError) in try writer.append(entry) }
        promises.settings.insert(id)
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
