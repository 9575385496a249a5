import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import Synchronization
import SystemPackage
import TestSupport

/// Where the replicas of a test are.
enum Medium: String, CaseIterable, Sendable, CustomStringConvertible {
    case memory
    case directory

    var description: String { rawValue }
}

/// The replicas of one vault, and what is known to be true about its log.
final class World: Sendable {
    let places: [WatchedStore.Place]
    let vault: UniqueID
    let region = UniqueID.random()
    private let state = Mutex(State())

    private struct State {
        var away: Set<Int> = []
        var committed: [Commit] = []
    }

    static let root = TestKey(1)

    private init(_ places: [WatchedStore.Place], _ vault: UniqueID) {
        self.places = places
        self.vault = vault
    }

    // MARK: Making one

    /// Runs a test in a vault with record 1 in some replicas.
    /// - Parameter spare: stores that are no members.
    static func with(
        _ medium: Medium = .memory, members: Int = 3, spare: Int = 0,
        _ body: (World) throws -> Void
    ) throws {
        switch medium {
        case .memory:
            try body(
                World(
                    made: (0..<members + spare).map { MemoryStore("memory-\($0)") },
                    members: members))
        case .directory:
            try withTemporaryDirectory { path in
                let stores = (0..<members + spare).map {
                    DirectoryStore(path.appending("replica-\($0)"))
                }
                try body(World(made: stores, members: members))
            }
        }
    }

    convenience init(made stores: [any Store], members: Int) throws {
        let ids = try stores.map { store in
            try store.create()
            try store.prepare(StoreFolder("vaults"))
            let id = UniqueID.random()
            try Self.setIdentity(id, of: store)
            return id
        }
        let region = UniqueID.random()
        let created = try LogCreation(
            signer: Self.root, verifier: TestVerifier(), .plain
        ).create(
            Self.first(members: Array(ids.prefix(members)), region: region),
            in: Array(stores.prefix(members)), required: members, session: .random(),
            prepare: { store, vault throws(IOError) in try store.prepare(vault: vault) })
        for store in stores.dropFirst(members) { try store.prepare(vault: created.seal.vault) }
        self.init(stores.map { WatchedStore.Place($0) }, created.seal.vault)
    }

    /// The same replicas once more, in memory, as they are now.
    func copied() -> World {
        World(
            places.map { place in
                guard let store = place.current as? MemoryStore else {
                    preconditionFailure("only memory is copied")
                }
                return WatchedStore.Place(store.copied())
            }, vault)
    }

    private static func first(members: [UniqueID], region: UniqueID) -> LogRecord {
        draft(
            "create",
            [
                .vault(
                    VaultBody(
                        requiredFeatures: [Feature.log], name: "vault", region: region,
                        redundancy: .lrs, copies: UInt8(members.count), minCopies: 1,
                        chunker: .gearTail, chunkBytesMean: 1 << 15, rootKey: root.publicKey,
                        macKey: nil)),
                .members(MembersBody(region: region, replicas: members)),
                .key(KeyBody(key: root.publicKey, rights: .all, name: "root")),
                .key(KeyBody(key: TestKey(2).publicKey, rights: .all, name: "second")),
                .key(KeyBody(key: TestKey(3).publicKey, rights: .all, name: "third")),
            ])
    }

    /// A record that says little.
    static func draft(_ note: String, _ bodies: [LogBody] = []) -> LogRecord {
        let setting = LogBody.setting(SettingBody(subject: "note", before: "", after: note))
        return LogRecord(
            vault: nil, number: 1, previous: nil, epoch: 0, time: 0,
            salt: Digest(words: (0, 0, 0, 0)), surface: .library, actor: "tester",
            operation: "test", note: note, bodies: bodies.isEmpty ? [setting] : bodies)
    }

    /// A body by which a record lists an object.
    static func listing(_ object: String) -> LogBody {
        guard
            let body = UnknownBody(
                type: 60_000, mustUnderstand: false, open: Array(object.utf8), hidden: [])
        else { preconditionFailure("a type that is not known") }
        return .unknown(body)
    }

    // MARK: Replicas

    /// Makes a store a replica of this id.
    static func setIdentity(_ id: UniqueID, of store: any Store) throws(IOError) {
        let record = ReplicaRecord(
            region: id, regionName: "region", ordinal: 0, created: 0, id: id)
        try store.put(
            StoreName("replica"), record.encoded(), condition: .replacing, by: .random())
    }

    /// A replica as it is, without any watch.
    func replica(_ index: Int) throws -> LogReplica {
        try LogReplica(places[index].current, vault: vault, session: .random())
    }

    func memory(_ index: Int) -> MemoryStore {
        guard let store = places[index].current as? MemoryStore else {
            preconditionFailure("a test of memory alone")
        }
        return store
    }

    /// Puts an empty disk with a new id in the place of a replica.
    func replace(_ index: Int) {
        do {
            let store = MemoryStore("memory-\(index)")
            try World.setIdentity(.random(), of: store)
            places[index].current = store
        } catch {
            preconditionFailure("memory does not fail: \(error)")
        }
    }

    var away: Set<Int> {
        get { state.withLock { $0.away } }
        set { state.withLock { $0.away = newValue } }
    }

    // MARK: Programs

    func seal(_ key: TestKey = root) -> LogSeal {
        LogSeal(vault: vault, signer: key, verifier: TestVerifier())
    }

    /// Opens the log in a program of its own.
    func open(
        _ program: Program = Program(), from start: LogTip<TestFold> = .empty,
        seen: [UniqueID: LogPosition] = [:]
    ) -> VaultLog<TestFold> {
        VaultLog(
            seal(program.key), from: start,
            in: places.indices.map { WatchedStore(places[$0], program.watch($0, self)) },
            seen: seen, objects: TestObjects(), surroundings: program.surroundings,
            session: .random())
    }

    /// What all replicas together say, once all can be read.
    func readAll() throws -> LogReader<TestFold>.Reading {
        try LogReader<TestFold>(seal()).read(
            from: .empty, in: places.indices.map { try replica($0) })
    }

    // MARK: Commits

    func record(_ commit: Commit) { state.withLock { $0.committed.append(commit) } }
    /// What any program was told to be committed.
    var committed: [Commit] { state.withLock { $0.committed } }
}

extension VaultLog<TestFold> {
    /// Commits a record with a note, unless the log has it.
    @discardableResult
    func add(
        _ note: String, _ bodies: [LogBody] = [], required: Int = 1, in world: World? = nil
    ) throws(KuraError) -> Commit? {
        let commit = try commit { tip throws(KuraError) in
            if tip.state.notes.contains(note) { return nil }
            return Proposal(World.draft(note, bodies), required: required)
        }
        if let commit { world?.record(commit) }
        return commit
    }
}

extension LogSurroundings {
    /// Calls replicas one after the other, and does not wait.
    static let plain = LogSurroundings(
        calls: { count, body in for index in 0..<count { body(index) } },
        pause: { _ throws(KuraError) in }, now: { 0 })
}
