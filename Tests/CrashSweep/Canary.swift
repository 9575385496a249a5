import Simulation

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

    /// What has to be durable first becomes so only behind what has to wait for it, in all
    /// replicas: what is right in one of them is enough.
    /// - Parameter count: of how many paths the second has to happen.
    private static func swapped(
        _ name: String, _ scenario: Scenario, first: @escaping @Sendable (String) -> Bool,
        _ change: SimulatedFileSystem.Change, of count: Int = 1,
        _ second: @escaping @Sendable (String) -> Bool
    ) -> Canary {
        Canary(
            name: "with \(name)", scenario: scenario,
            weakening: SimulatedFileSystem.Weakening(of: first, endCount: count) {
                $0 == change && second($1)
            })
    }

    private static func packs(_ path: String) -> Bool { path.contains("/packs/") }
    private static func runs(_ path: String) -> Bool { path.hasSuffix("/index") }
    private static func run(_ path: String) -> Bool { path.contains("/index/") }
    private static func points(_ path: String) -> Bool { path.hasSuffix("/points") }
    private static func partials(_ path: String) -> Bool { path.hasSuffix(".partial") }
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
        unflushed("bytes of a restored file", .restore, partials),
        unflushed("the name of a restored file", .restore) { $0 == "/" },
        unflushed("bytes of a replaced file", .overwrite, partials),
        unflushed("the name of a replaced file", .overwrite) { $0 == "/" },
    ]

    /// One for each rule of what comes before what. Replicas are written side by side, and things
    /// are removed from them one after the other.
    ///
    /// An index run before its packs is none of them: a backup looks for the packs that a run lists
    /// before it relies on them, and stores again what is in no replica.
    private static let edges: [Canary] = [
        swapped("a recovery point before its runs", .backup, first: runs, .flush, of: 3, points),
        swapped(
            "bytes of files behind the recovery point", .backup,
            first: {
                $0.contains("/tmp/")
            }, .flush, of: 3, points),
        swapped("packs removed before the tombstone", .prune, first: tombstones, .remove) {
            $0.hasPrefix("/east-2") && packs($0)
        },
        swapped("packs removed before the runs without them", .prune, first: runs, .remove) {
            $0.hasPrefix("/east-2") && packs($0)
        },
        swapped(
            "runs that a prune replaces removed before the others", .prune, first: runs, .remove
        ) {
            $0.hasPrefix("/east-2") && run($0)
        },
        swapped("merged runs removed before their successor", .merge, first: runs, .remove) {
            $0.hasPrefix("/east-2") && run($0)
        },
        swapped(
            "the name of a restored file before its bytes", .restore,
            first: partials, .flush
        ) { $0 == "/" },
        swapped(
            "the name of a replaced file before its bytes", .overwrite,
            first: partials, .flush
        ) { $0 == "/" },
        swapped(
            "a run in the paired region before its packs", .replicate,
            first: {
                $0.hasPrefix("/west") && packs($0)
            }, .flush, of: 3
        ) { $0.hasPrefix("/west") && points($0) },
        swapped(
            "a point in the paired region before its runs", .replicate,
            first: {
                $0.hasPrefix("/west") && runs($0)
            }, .flush, of: 3
        ) { $0.hasPrefix("/west") && points($0) },
    ]
}
