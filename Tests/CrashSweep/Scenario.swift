import KuraFormat
import KuraIO
import KuraStore
import Simulation
import SystemPackage
import TestSupport

/// An operation that loses power, what is there before, and what must hold afterwards.
enum Scenario: String, CaseIterable, Sendable {
    case create
    case firstBackup = "first-backup"
    case backup
    case merge
    case prune
    /// A prune on a disk without room for what one replica lacks.
    case crampedPrune = "cramped-prune"
    case repair
    /// A repair that finds packs without a good copy, and the backup that stores again what was
    /// lost.
    case salvage
    case catchUp = "catch-up"
    case replicate
    case journal
    case restore
    case overwrite

    var isPaired: Bool { self == .replicate }
    var isPrune: Bool { self == .prune || self == .crampedPrune }

    /// Bytes that are free while the operation runs for the first time.
    var room: UInt64 { self == .crampedPrune ? 0 : SimulatedFileSystem.plentyOfRoom }

    /// Its part of all states. Making a vault is making hundreds of directories, each like the
    /// other; and a merge takes long to check, because it needs many points.
    var weight: Int { self == .create ? 1 : self == .merge ? 2 : 4 }

    /// Disks that differ by little; most are large enough for several chunks.
    func disks(_ seed: UInt64) -> [[UInt8]] {
        let byteCount = self == .merge ? 8 << 10 : (16 << 10) * (1 + Int(seed % 3))
        var disk = SyntheticDisk(seed: seed, byteCount: byteCount)
        return (0..<3).map { number in
            defer { disk = disk.edited(seed: seed &+ UInt64(number)) }
            return disk.bytes
        }
    }

    /// What is there before, durable.
    func prepare(_ world: inout World, _ disks: [[UInt8]], seed: UInt64) throws {
        if self == .create { return }
        try world.create()
        switch self {
        case .create, .firstBackup, .journal: break
        case .backup, .restore, .overwrite: try world.backup(disks[0])
        case .merge:
            // With the run of one more backup there are enough to be merged.
            for number in 0..<UInt64(7) {
                try world.backup(SyntheticDisk(seed: seed ^ number << 32, byteCount: 8 << 10).bytes)
            }
        case .prune:
            try world.backup(disks[0])
            try world.backup(disks[1])
        case .repair:
            try world.backup(disks[0])
            try damage(world, seed)
        case .salvage: try losePacks(&world, disks, seed)
        case .catchUp, .crampedPrune: try fallBehind(&world, disks)
        case .replicate:
            try world.backup(disks[0])
            try world.replicate()
            try world.backup(disks[1])
        }
        if self == .overwrite { try write(disks[1], to: World.target, world) }
    }

    /// What may be there from now on, although it was not acknowledged.
    func begin(_ world: inout World, _ disks: [[UInt8]]) throws {
        switch self {
        case .prune, .crampedPrune:
            // In the cramped one that of which the index run also lists packs that others need, and
            // that one replica lacks.
            let sequence: UInt64 = self == .prune ? 1 : 2
            let old = try world.vault().recoveryPoints().last { $0.point.sequence == sequence }
            if let old { world.promises.mayBeDropped.insert(old.id) }
        case .restore: world.promises.target = .absentOr(disks[0])
        case .overwrite: world.promises.target = .either(old: disks[1], new: disks[0])
        default: break
        }
    }

    /// The operation itself, the first time and after a power cut.
    func run(_ world: inout World, _ disks: [[UInt8]]) throws {
        switch self {
        case .create: try world.create()
        case .firstBackup, .backup, .catchUp: try world.backup(disks[2])
        case .merge: try world.vault().mergeRuns()
        case .prune, .crampedPrune: try world.prune(dropping: world.promises.mayBeDropped)
        case .repair: try world.repair()
        case .salvage: try world.salvage(disks[2])
        case .replicate: try world.replicate()
        case .journal: try world.changeSetting()
        case .restore: try world.restore(overwrite: world.fileSystem.exists(World.target))
        case .overwrite: try world.restore(overwrite: true)
        }
    }

    /// One replica misses what comes after the first point.
    private func fallBehind(_ world: inout World, _ disks: [[UInt8]]) throws {
        try world.backup(disks[0])
        let away = world.directory(replica: 2).removingLastComponent().removingLastComponent()
        let identity = away.appending("replica")
        let kept = away.appending("replica.away")
        try world.fileSystem.rename(identity, to: kept, replacing: false)
        try world.backup(disks[1])
        if self == .crampedPrune { try world.backup(disks[2]) }
        try world.fileSystem.rename(kept, to: identity, replacing: false)
        try world.fileSystem.flushDirectory(away)
    }

    private func write(_ bytes: [UInt8], to path: FilePath, _ world: World) throws {
        let fileSystem = world.fileSystem
        let file = try fileSystem.create(path)
        defer { fileSystem.close(file) }
        try bytes.withUnsafeBytes { try fileSystem.write(file, path, at: 0, from: $0) }
        try fileSystem.flush(file, path)
        try fileSystem.flushDirectory(path.removingLastComponent())
    }

    /// What the newest point brought has the same wrong bit in every replica.
    private func losePacks(_ world: inout World, _ disks: [[UInt8]], _ seed: UInt64) throws {
        try world.backup(SyntheticDisk(seed: ~seed, byteCount: 16 << 10).bytes)
        let before = Set(world.fileSystem.allFiles)
        try world.backup(disks[2])
        world.promises.mayLack = Set(try world.vault().recoveryPoints().prefix(1).map(\.id))
        for replica in 0..<3 {
            var random = SeededGenerator(seed: seed)
            let root = world.directory(replica: replica).string
            for file in world.fileSystem.allFiles.sorted()
            where file.hasPrefix("\(root)/packs/") && !before.contains(file) {
                try world.fileSystem.damage(FilePath(file), using: &random)
            }
        }
    }

    /// Every pack, run and point of the first replica gets one wrong bit.
    private func damage(_ world: World, _ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let root = world.directory(replica: 0).string
        for file in world.fileSystem.allFiles.sorted()
        where ["packs", "index", "points"].contains(where: { file.hasPrefix("\(root)/\($0)/") }) {
            try world.fileSystem.damage(FilePath(file), using: &random)
        }
    }
}
