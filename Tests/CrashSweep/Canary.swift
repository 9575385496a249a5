import KuraIO
import SystemPackage

/// Something that the code does to be safe and that is taken away, and the operation that must then
/// lose something: otherwise the sweep would not notice if the code forgot it.
struct Canary: Sendable {
    var name: String
    var scenario: Scenario
    var weakening: SimulatedFileSystem.Weakening

    /// The flush of files or directories with these paths does nothing.
    private static func unflushed(
        _ name: String, _ scenario: Scenario, _ isMeant: @escaping @Sendable (String) -> Bool
    ) -> Canary {
        Canary(
            name: "without flushing \(name)", scenario: scenario,
            weakening: SimulatedFileSystem.Weakening(of: isMeant))
    }

    /// What has to be durable first becomes so only behind what has to wait for it.
    private static func swapped(
        _ name: String, _ scenario: Scenario, first: @escaping @Sendable (String) -> Bool,
        _ change: SimulatedFileSystem.Change, _ second: @escaping @Sendable (String) -> Bool
    ) -> Canary {
        Canary(
            name: "with \(name)", scenario: scenario,
            weakening: SimulatedFileSystem.Weakening(of: first) { $0 == change && second($1) })
    }

    private static func packs(_ path: String) -> Bool { path.contains("/packs/") }
    private static func runs(_ path: String) -> Bool { path.hasSuffix("/index") }
    private static func run(_ path: String) -> Bool { path.contains("/index/") }
    private static func points(_ path: String) -> Bool { path.hasSuffix("/points") }
    private static func tombstones(_ path: String) -> Bool { path.hasSuffix("/dropped") }

    static let all: [Canary] = flushes + edges

    /// One for each kind of flush that something depends on.
    private static let flushes: [Canary] = [
        unflushed("bytes of files", .backup) { $0.contains("/tmp/") },
        unflushed("names of packs", .backup, packs),
        unflushed("names of index runs", .backup, runs),
        unflushed("names of recovery points", .backup, points),
        unflushed("names of tombstones", .prune, tombstones),
        unflushed("names of packs in the paired region", .replicate) {
            $0.hasPrefix("/west") && packs($0)
        },
        unflushed("names of entries of the journal", .journal) { $0.hasSuffix("/journal") },
        unflushed("names of lines of the ledger", .repair) { $0.hasSuffix("/repairs") },
        unflushed("names of vaults", .create) { $0.hasSuffix("/vaults") },
        unflushed("names of a vault's directories and its record", .create) {
            $0.dropLast(32).hasSuffix("/vaults/")
        },
        unflushed("names of directories that are made later", .journal) {
            $0.dropLast(32).hasSuffix("/vaults/")
        },
        unflushed("bytes of a restored file", .restore) { $0.hasSuffix(".partial") },
        unflushed("the name of a restored file", .restore) { $0 == "/" },
        unflushed("bytes of an overwritten file", .overwrite) { $0 == World.target.string },
    ]

    /// One for each rule of what comes before what.
    private static let edges: [Canary] = [
        swapped("an index run before its packs", .backup, first: packs, .flush, runs),
        swapped("a recovery point before its runs", .backup, first: runs, .flush, points),
        swapped("bytes of files behind the recovery point", .backup, first: {
            $0.contains("/tmp/")
        }, .flush, points),
        swapped("packs removed before the tombstone", .prune, first: tombstones, .remove) {
            $0.hasPrefix("/east-2") && packs($0)
        },
        swapped("repacked chunks behind their run", .prune, first: packs, .flush, runs),
        swapped("a run in a replica that catches up before its packs", .catchUp, first: {
            $0.hasPrefix("/east-2") && packs($0)
        }, .flush) { $0.hasPrefix("/east-2") && runs($0) },
        swapped("a run in the paired region before its packs", .replicate, first: {
            $0.hasPrefix("/west") && packs($0)
        }, .flush) { $0.hasPrefix("/west-2") && points($0) },
        swapped("a point in the paired region before its runs", .replicate, first: {
            $0.hasPrefix("/west") && runs($0)
        }, .flush) { $0.hasPrefix("/west-2") && points($0) },
    ]
}
