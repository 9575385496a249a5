import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport

/// An operation that loses power, what is there before, and what must hold afterwards.
enum Scenario: String, CaseIterable, Sendable {
    case firstBackup = "first-backup"
    case backup
    case prune
    case repair
    case catchUp = "catch-up"
    case replicate
    case merge

    /// Disks that differ by little, each large enough for several chunks.
    static func disks(_ seed: UInt64) -> [[UInt8]] {
        var disk = SyntheticDisk(seed: seed, byteCount: 64 << 10)
        return (0..<3).map { number in
            defer { disk = disk.edited(seed: seed &+ UInt64(number)) }
            return disk.bytes
        }
    }

    /// What is there before, durable.
    func prepare(_ world: inout World, _ disks: [[UInt8]], seed: UInt64) throws {
        switch self {
        case .firstBackup: break
        case .backup: try world.backup(disks[0])
        case .prune:
            try world.backup(disks[0])
            try world.backup(disks[1])
        case .repair:
            try world.backup(disks[0])
            try damage(world, seed)
        case .catchUp:
            // One replica misses what comes after the first point.
            try world.backup(disks[0])
            let away = world.directory(replica: 2).removingLastComponent().removingLastComponent()
            let identity = away.appending("replica")
            let kept = away.appending("replica.away")
            try world.fileSystem.rename(identity, to: kept, replacing: false)
            try world.backup(disks[1])
            try world.fileSystem.rename(kept, to: identity, replacing: false)
            try world.fileSystem.flushDirectory(away)
        case .replicate:
            try world.backup(disks[0])
            try world.replicate()
            try world.backup(disks[1])
        case .merge:
            for number in 0..<UInt64(5) {
                try world.backup(SyntheticDisk(seed: seed &+ number, byteCount: 32 << 10).bytes)
            }
        }
    }

    /// The operation itself.
    func run(_ world: inout World, _ disks: [[UInt8]]) throws {
        switch self {
        case .firstBackup, .backup, .catchUp: try world.backup(disks[2])
        case .prune:
            let oldest = try world.vault().recoveryPoints().last { $0.point.sequence == 1 }
            if let oldest { world.dropped.insert(oldest.id) }
            _ = try world.prune(dropping: world.dropped)
        case .repair:
            let report = try world.vault().verify(
                VerifyRequest(level: .packs, repair: true, threads: 1))
            if report.damaged.contains(where: { !$0.isRepaired }) {
                throw Violation("not healed: \(report.damaged)")
            }
        case .replicate: try world.replicate()
        case .merge:
            let index = world.directory(replica: 0).appending("index")
            let before = try world.fileSystem.list(index).count
            try world.vault().mergeRuns()
            if try world.fileSystem.list(index).count >= before {
                throw Violation("no index runs were merged")
            }
        }
    }

    /// Every file of the first replica but its directories' locks gets one wrong byte.
    private func damage(_ world: World, _ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let fileSystem = world.fileSystem
        for directory in ["points", "index"] {
            let path = world.directory(replica: 0).appending(directory)
            for name in try fileSystem.list(path) {
                try fileSystem.damage(path.appending(name), using: &random)
            }
        }
        let packs = world.directory(replica: 0).appending("packs")
        for directory in try fileSystem.list(packs) {
            let path = packs.appending(directory)
            for name in try fileSystem.list(path) {
                try fileSystem.damage(path.appending(name), using: &random)
            }
        }
    }
}
