import KuraFormat
import KuraIO
import KuraReplicas
import KuraStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What operations do when another process holds a lease that they need.
@Suite("Leases", .timeLimit(.minutes(2))) struct LeaseTests {
    /// A lease and an operation that needs it.
    enum Need: CaseIterable, Sendable {
        case item, vault, journal, commit, reading

        var scope: LeaseScope {
            switch self {
            case .item: .item("item")
            case .vault: .vault
            case .journal: .journal
            case .commit, .reading: .commit
            }
        }

        func run(
            _ store: TestStore, _ vault: Vault, cancellation: Cancellation = Cancellation()
        ) throws {
            switch self {
            case .item, .commit:
                try store.backup([1], into: vault, cancellation: cancellation)
            case .vault: _ = try vault.heal([])
            case .journal: try vault.withJournal { _ throws(KuraError) in }
            case .reading: try vault.lease().end()
            }
        }
    }

    private static let holder = LockHolder(
        operation: "prune", process: 4711, host: "elsewhere", since: 1)

    /// Holds a lease as another process would, in some of the replicas.
    private func hold(
        _ scope: LeaseScope, of store: TestStore, in replicas: [Int] = [0, 1, 2]
    ) throws -> [any LockHandle] {
        try replicas.map { ordinal in
            let replica = store.region.replicas[ordinal]
            let wait = LockWait(
                for: StoreLockPlace(scope.name(in: store.vault.id), in: replica.store), in: "other")
            guard case .taken(let lock) = try wait.take(as: Self.holder, until: 0, WaitPolicy())
            else { throw KuraError(.locked, "the lock is not free") }
            return lock
        }
    }

    private static let once = WaitPolicy(limit: 0)

    @Test("A cancellation ends the wait for each lease", arguments: Need.allCases)
    func cancelled(_ need: Need) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let locks = try hold(need.scope, of: store)
            let cancellation = Cancellation()
            let notices = Mutex<[String]>([])
            // Told of at once, and cancelled then: the operation waits by that time.
            let policy = WaitPolicy(noticeAfter: 0, cancellation: cancellation) { message in
                notices.withLock { $0.append(message) }
                cancellation.cancel()
            }
            let vault = store.reopened(waits: policy)
            let error = #expect(throws: KuraError.self) {
                try need.run(store, vault, cancellation: cancellation)
            }
            #expect(error?.code == .interrupted)
            let what = need.scope.description(in: "vault")
            #expect(
                notices.withLock { $0 } == ["waiting for \(Self.holder) to finish with \(what)"])
            for lock in locks { lock.release(removing: false) }
            // Nothing of it is left that would keep the next one away.
            try need.run(store, store.reopened(waits: Self.once))
            #expect(store.reopened().interruptedSessions().isEmpty)
        }
    }

    @Test("A cancellation of the operation alone ends its wait")
    func cancelledAlone() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let locks = try hold(.item("item"), of: store)
            let cancellation = Cancellation()
            let vault = store.reopened(
                waits: WaitPolicy(noticeAfter: 0) { _ in cancellation.cancel() })
            let error = #expect(throws: KuraError.self) {
                try store.backup([1], into: vault, cancellation: cancellation)
            }
            #expect(error?.code == .interrupted)
            for lock in locks { lock.release(removing: false) }
        }
    }

    @Test("A wait that comes to its end is refused and names the holder", arguments: Need.allCases)
    func refused(_ need: Need) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let locks = try hold(need.scope, of: store)
            let vault = store.reopened(waits: WaitPolicy(limit: 5_000_000))
            let error = #expect(throws: KuraError.self) { try need.run(store, vault) }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("kura prune (process 4711 on host elsewhere)") == true)
            for lock in locks { lock.release(removing: false) }
            #expect(store.reopened().interruptedSessions().isEmpty)
        }
    }

    @Test("An operation goes on as soon as the holder lets go", arguments: Need.allCases)
    func handedOver(_ need: Need) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let locks = try hold(need.scope, of: store)
            let vault = store.reopened(
                waits: WaitPolicy(noticeAfter: 0) { _ in
                    for lock in locks { lock.release(removing: false) }
                })
            try need.run(store, vault)
        }
    }

    @Test("A merge of runs does not wait: another one is at it")
    func merge() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            for byte in 0..<10 { try store.backup([UInt8](repeating: UInt8(byte), count: 9000)) }
            let locks = try hold(.index, of: store)
            let vault = store.reopened(waits: WaitPolicy { _ in Issue.record("it waits") })
            try vault.mergeRuns()
            for lock in locks { lock.release(removing: false) }
        }
    }

    @Test("A merge of runs waits for a commit, which is over soon")
    func mergeBesideCommit() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            for byte in 0..<10 { try store.backup([UInt8](repeating: UInt8(byte), count: 9000)) }
            let locks = try hold(.commit, of: store)
            let vault = store.reopened(
                waits: WaitPolicy(noticeAfter: 0) { _ in
                    for lock in locks { lock.release(removing: false) }
                })
            try vault.mergeRuns()
            #expect(try store.files("index", replica: 0).count < 10)
        }
    }

    @Test(
        "A replica is given up in which alone another process holds the lease",
        arguments: [LeaseScope.item("item"), .commit])
    func minority(_ scope: LeaseScope) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let locks = try hold(scope, of: store, in: [1])
            let report = try store.backup([1, 2, 3], into: store.reopened(waits: Self.once))
            #expect(report.replicas == [0, 2])
            #expect(report.warnings.contains { $0.contains("process 4711 on host elsewhere") })
            for lock in locks { lock.release(removing: false) }
            // Nothing is lost: the next backup brings the replica into step.
            #expect(try store.backup([4], into: store.reopened()).replicas == [0, 1, 2])
            #expect(try store.restore(report.id) == [1, 2, 3])
        }
    }

    @Test(
        "A lease that another process holds in a majority is refused",
        arguments: [LeaseScope.item("item"), .commit], [[0, 1], [1, 2], [0, 2]])
    func majority(_ scope: LeaseScope, _ replicas: [Int]) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let locks = try hold(scope, of: store, in: replicas)
            let error = #expect(throws: KuraError.self) {
                try store.backup([1], into: store.reopened(waits: Self.once))
            }
            #expect(error?.code == .locked)
            for lock in locks { lock.release(removing: false) }
        }
    }

    @Test("A lease that is held in one of two replicas, or beside one that is away, is refused")
    func noMajority() throws {
        try withTemporaryDirectory { directory in
            let two = try TestStore(directory.appending("two"), copies: 2)
            let three = try TestStore(directory.appending("three"))
            var locks = try hold(.commit, of: two, in: [1])
            locks += try hold(.commit, of: three, in: [1])
            for vault in [
                two.reopened(waits: Self.once),
                three.reopened(fileSystem: BlindFileSystem(to: 2), waits: Self.once),
            ] {
                let error = #expect(throws: KuraError.self) { try two.backup([1], into: vault) }
                #expect(error?.code == .locked)
            }
            for lock in locks { lock.release(removing: false) }
        }
    }

    @Test("A replica whose lock call does not answer is given up")
    func silent() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let fileSystem = SilentFileSystem(in: 1)
            let report = try store.backup([1], into: store.reopened(fileSystem: fileSystem))
            #expect(report.replicas == [0, 2])
            #expect(report.warnings.contains { $0.contains("does not answer") })
        }
    }

    @Test("A vault is read although another process holds a commit in one replica")
    func reading() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let report = try store.backup([1, 2, 3])
            let locks = try hold(.commit, of: store, in: [2])
            let vault = store.reopened(waits: Self.once)
            #expect(try store.restore(report.id, from: vault) == [1, 2, 3])
            for lock in locks { lock.release(removing: false) }
        }
    }

    @Test("The lock file of an operation that runs names it")
    func holderIsWritten() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.vault.withJournal { _ throws(KuraError) in
                let vault = store.reopened(waits: Self.once)
                let error = #expect(throws: KuraError.self) {
                    try vault.withJournal { _ throws(KuraError) in }
                }
                let me = LockHolder.current("settings")
                #expect(error?.message.contains(me.description) == true)
            }
        }
    }

    @Test("Locks have the names that earlier versions know")
    func names() {
        #expect(LeaseScope.commit.fileName == "commit")
        let names = [LeaseScope.item("web"), .vault, .machine("web"), .journal, .index].map(
            \.fileName)
        #expect(
            names
                == ["web", "", "/machine/web", "/journal", "/index"].map {
                    "item-\(SHA256.digest(Array($0.utf8)).hex.prefix(32))"
                })
        let id = UniqueID.random()
        #expect(LeaseScope.session(id).fileName == "session-\(id.hex)")
        #expect(LeaseScope.reader(id).fileName == "reader-\(id.hex)")
    }
}

/// The local file system with one replica whose lock calls are given up as unanswered.
private final class SilentFileSystem: PassingFileSystem {
    private let part: String

    init(in replica: Int) { part = "/replica-\(replica)/" }

    func before(_ call: FileCall, _ path: FilePath) throws(IOError) {
        if call == .lock, path.string.contains(part) { throw IOError("lock", at: path, .timedOut) }
    }
}
