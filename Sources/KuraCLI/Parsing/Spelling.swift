/// Which command or option was meant by a name that there is not.
package enum Spelling {
    /// Changes of one letter, and swaps of two neighbours, that lead from one word to another.
    package static func distance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first.unicodeScalars), Array(second.unicodeScalars))
        guard !first.isEmpty, !second.isEmpty else { return max(first.count, second.count) }
        var rows = [Array(0...second.count)]
        for (row, letter) in first.enumerated() {
            var current = [row + 1]
            for (column, other) in second.enumerated() {
                var best = min(
                    current[column] + 1, rows[row][column + 1] + 1,
                    rows[row][column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
                    best = min(best, rows[row - 1][column - 1] + 1)
                }
                current.append(best)
            }
            rows.append(current)
        }
        return rows[first.count][second.count]
    }

    /// The nearest of some names, with or without dashes before it; nil where none is so near that
    /// it was meant.
    package static func nearest(to word: String, of names: [String]) -> String? {
        let length = word.drop { $0 == "-" }.count
        let far = length <= 4 ? 1 : length <= 8 ? 2 : 3
        return names.map { ($0, distance(word, $0)) }.filter { $0.1 <= far }
            .min { $0.1 < $1.1 }?.0
    }

    /// Words of other tools, and the commands that do it here.
    package static let foreignCommands = [
        "snapshots": "list", "snapshot": "backup", "create": "backup", "save": "backup",
        "push": "backup", "forget": "prune", "gc": "prune", "compact": "prune",
        "cleanup": "prune", "check": "verify", "fsck": "verify", "scrub": "verify",
        "repair": "verify --repair", "heal": "verify --repair", "recover": "restore",
        "extract": "restore", "dump": "restore RP --output -", "mount": "restore",
        "copy": "replicate", "sync": "replicate", "info": "show", "cat": "show",
        "delete": "prune --drop", "rm": "prune --drop", "drop": "prune --drop",
        "repo": "region", "repository": "region", "pool": "region", "status": "region status",
        "failover": "region failover", "failback": "region failback", "log": "audit",
        "logs": "job list", "jobs": "job list", "schedule": "scheduler run",
        "daemon": "scheduler run", "machine": "vm", "version": "--version",
    ]

    /// Options of other tools, and what they are here.
    static let foreignOptions = [
        "--target": "--output", "-t": "--output", "--repo": "--home", "-r": "--home",
        "--repository": "--home", "--verbose": "--log-level", "-v": "--log-level",
        "--debug": "--log-level", "-q": "--quiet", "-n": "--dry-run", "-f": "--force",
    ]
}
