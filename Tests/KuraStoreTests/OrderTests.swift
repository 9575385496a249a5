import KuraIO
import KuraStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The local file system that remembers what gets a name, what is flushed and what goes, in order.
final class NotingFileSystem: PassingFileSystem {
    struct Step: Sendable {
        var call: FileCall
        var path: String
    }

    private let noted = Mutex<[Step]>([])

    var steps: [Step] { noted.withLock { $0 } }

    func before(_ call: FileCall, _ path: FilePath) {
        switch call {
        case .rename, .flush, .flushDirectory, .remove:
            noted.withLock { $0.append(Step(call: call, path: path.string)) }
        default: break
        }
    }
}

@Suite("Order of what becomes durable")
struct OrderTests {
    /// Names that come into one directory are flushed before a name comes into another one, or goes
    /// from there.
    struct Rule: Sendable {
        var earlier: String
        var later: String
        var call: FileCall
    }

    static let rules = [
        Rule(earlier: "packs", later: "index", call: .rename),
        Rule(earlier: "index", later: "points", call: .rename),
        Rule(earlier: "index", later: "index", call: .remove),
        Rule(earlier: "index", later: "packs", call: .remove),
        Rule(earlier: "dropped", later: "packs", call: .remove),
        Rule(earlier: "condemned", later: "packs", call: .remove),
    ]

    /// Paths whose name came or went too early, in any replica.
    static func violations(of rule: Rule, in steps: [NotingFileSystem.Step]) -> [String] {
        var violations: [String] = []
        for replica in 0..<3 {
            var unflushed = Set<String>()
            for step in steps where step.path.contains("/replica-\(replica)/") {
                let directory = FilePath(step.path).removingLastComponent().string
                if step.call == rule.call, step.path.contains("/\(rule.later)/"), !unflushed.isEmpty
                {
                    violations.append(step.path)
                }
                switch step.call {
                case .rename where step.path.contains("/\(rule.earlier)/"):
                    unflushed.insert(directory)
                case .flushDirectory: unflushed.remove(step.path)
                default: break
                }
            }
        }
        return violations
    }

    /// Everything that has an order: backups, a merge, a prune that repacks, drops and condemns.
    private static func history() throws -> [NotingFileSystem.Step] {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let fileSystem = NotingFileSystem()
            var random = SeededGenerator(seed: 4)
            let bytes = random.bytes(1 << 20)
            let first = try store.backup(bytes, into: store.reopened(fileSystem: fileSystem))
            for number in 1...8 {
                let half = Array(bytes.prefix(1 << 19)) + random.bytes(1 << (10 + number))
                try store.backup(half, into: store.reopened(fileSystem: fileSystem))
            }
            let vault = store.reopened(fileSystem: fileSystem)
            let report = try vault.prune(PruneRequest(dropping: [first.id], reason: "test"))
            #expect(report.repackedBytes > 0 && report.removedPacks > 0)
            return fileSystem.steps
        }
    }

    @Test(
        "Packs precede runs, runs precede points and removed runs, tombstones removed packs"
    )
    func order() throws {
        let steps = try Self.history()
        for rule in Self.rules { #expect(Self.violations(of: rule, in: steps) == [], "\(rule)") }
        for (directory, call) in [
            ("packs", FileCall.rename), ("index", .rename), ("points", .rename), ("index", .remove),
            ("packs", .remove), ("dropped", .rename), ("condemned", .rename),
        ] {
            let isThere = steps.contains { $0.call == call && $0.path.contains("/\(directory)/") }
            #expect(isThere, "nothing of \(directory) to be told apart")
        }
    }

    @Test("Every rule is noticed when the flushes that keep it are left out")
    func noticed() throws {
        let steps = try Self.history()
        for rule in Self.rules {
            let without = steps.filter {
                $0.call != .flushDirectory || !"\($0.path)/".contains("/\(rule.earlier)/")
            }
            #expect(!Self.violations(of: rule, in: without).isEmpty, "\(rule)")
        }
    }

    @Test("The bytes of a file are flushed before it gets its name")
    func bytesBeforeName() throws {
        let steps = try Self.history()
        for replica in 0..<3 {
            var flushed = 0
            for step in steps where step.path.contains("/replica-\(replica)/") {
                if step.call == .flush { flushed += 1 }
                guard step.call == .rename else { continue }
                #expect(flushed > 0, "\(step.path) has a name before its bytes")
                flushed -= 1
            }
            #expect(flushed == 0, "a flush too many may stand for one that is missing")
        }
    }
}
