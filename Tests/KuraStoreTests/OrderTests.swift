import KuraFormat
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
    /// Where a rule is broken: whatever gets its name in `later`, or goes from there, although a name
    /// that came into `earlier` before it was not flushed yet; in one replica.
    static func violations(
        _ steps: [NotingFileSystem.Step], _ earlier: String, before later: String,
        _ call: FileCall
    ) -> [String] {
        var violations: [String] = []
        for replica in 0..<3 {
            var unflushed = Set<String>()
            for step in steps where step.path.contains("/replica-\(replica)/") {
                let directory = FilePath(step.path).removingLastComponent().string
                if step.call == call, step.path.contains("/\(later)/"), !unflushed.isEmpty {
                    violations.append(step.path)
                }
                switch step.call {
                case .rename where step.path.contains("/\(earlier)/"): unflushed.insert(directory)
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

    @Test("Packs come before runs, runs before points and before runs that go, tombstones before packs that go")
    func order() throws {
        let steps = try Self.history()
        #expect(Self.violations(steps, "packs", before: "index", .rename) == [])
        #expect(Self.violations(steps, "index", before: "points", .rename) == [])
        #expect(Self.violations(steps, "index", before: "index", .remove) == [])
        #expect(Self.violations(steps, "index", before: "packs", .remove) == [])
        #expect(Self.violations(steps, "dropped", before: "packs", .remove) == [])
        #expect(Self.violations(steps, "condemned", before: "packs", .remove) == [])
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
        for (earlier, later, call) in [
            ("packs", "index", FileCall.rename), ("index", "points", .rename),
            ("index", "index", .remove), ("index", "packs", .remove), ("dropped", "packs", .remove),
            ("condemned", "packs", .remove),
        ] {
            let without = steps.filter {
                $0.call != .flushDirectory || !"\($0.path)/".contains("/\(earlier)/")
            }
            #expect(!Self.violations(without, earlier, before: later, call).isEmpty)
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
        }
    }
}
