import KuraIO
import KuraOperations
import KuraPolicy
import KuraStore
import KuraVault
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Counts what is read of a vault's own directories.
private final class CountingFileSystem: PassingFileSystem {
    struct Counts {
        /// Reads of a vault's record in one replica, by the path of the record.
        var records: [String: Int] = [:]
        var packDirectories: [String] = []
    }

    private let counts = Mutex(Counts())

    func before(_ call: FileCall, _ path: FilePath) throws(IOError) {
        let parts = path.components.map(\.string)
        counts.withLock { counts in
            if call == .open, parts.last == "vault" {
                counts.records[path.string, default: 0] += 1
            }
            // packs/00 to packs/ff
            if call == .list, parts.dropLast().last == "packs" {
                counts.packDirectories.append(path.string)
            }
        }
    }

    func take() -> Counts {
        counts.withLock { counts in
            defer { counts = Counts() }
            return counts
        }
    }
}

@Suite("What is read once") struct ReadOnceTests {
    /// Reads of one replica's copy of the record.
    private static let recordsMax = 3

    private func counted(
        _ directory: FilePath, _ body: (Household, () throws -> Subscription) throws -> Void
    ) throws -> CountingFileSystem.Counts {
        let house = try Household(directory, machine: true)
        let files = CountingFileSystem()
        try body(house) {
            try Subscription.open(
                home: house.home, create: .nothing, context: .test(), fileSystem: files)
        }
        return files.take()
    }

    @Test("A machine's backup reads its vault's record three times at most, and lists no packs")
    func machineBackup() throws {
        try withTemporaryDirectory { directory in
            let counts = try counted(directory) { house, open in
                let outcome = Operations(try open(), .test()).backUp(Household.machine)
                #expect(outcome.error == nil)
            }
            #expect(counts.records.count == 4)
            #expect(
                counts.records.values.allSatisfy { $0 <= Self.recordsMax }, "\(counts.records)")
            #expect(counts.packDirectories.isEmpty, "\(counts.packDirectories)")
        }
    }

    @Test("A change of a policy reads its vault's record three times at most, and lists no packs")
    func policyUpdate() throws {
        try withTemporaryDirectory { directory in
            let counts = try counted(directory) { _, open in
                let operations = Operations(try open(), .test())
                let place = try operations.subscription.place(named: Household.vault)
                var policy = Policy.standard
                policy.retention[.daily]?.count = 60
                let changed = try operations.updatePolicy(
                    named: policy.name, to: policy, in: place)
                #expect(changed.policy.retention[.daily]?.count == 60)
            }
            #expect(counts.records.count == 4)
            #expect(counts.records.values.allSatisfy { $0 <= Self.recordsMax }, "\(counts.records)")
            #expect(counts.packDirectories.isEmpty, "\(counts.packDirectories)")
        }
    }

    @Test("A list of points reads its vault's record three times at most, and lists no packs")
    func list() throws {
        try withTemporaryDirectory { directory in
            let counts = try counted(directory) { house, open in
                let kura = try open().snapshotted()
                for vault in try kura.vaults() {
                    let held = try vault.pointHolders()
                    let points = try kura.recoveryPoints(of: vault, listed: Set(held.keys))
                    #expect(!points.isEmpty)
                    _ = try kura.settings(of: vault).expiries(of: points)
                }
                #expect(try kura.absences().isEmpty)
                #expect(try !kura.places().isEmpty)
            }
            #expect(counts.records.count == 4)
            #expect(counts.records.values.allSatisfy { $0 <= Self.recordsMax }, "\(counts.records)")
            #expect(counts.packDirectories.isEmpty)
        }
    }

    @Test("What a request changes itself, it reads anew")
    func ownChanges() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let kura = try house.subscription().snapshotted()
            #expect(try kura.places().count == 1)
            _ = try kura.createVault(name: "silver", region: Household.east, copies: 1)
            let place = try kura.place(named: "silver")
            let vault = try place.writing()
            #expect(try kura.settings(of: vault).policies.count == 1)
            var policy = Policy.standard
            policy.name = "other"
            try kura.createPolicy(policy, in: vault)
            #expect(try kura.settings(of: vault).policies["other"] != nil)
        }
    }
}
