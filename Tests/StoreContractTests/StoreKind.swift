import KuraFormat
import KuraReplicas
import KuraS3
import ScriptedServer
import Simulation
import SystemPackage
import TestSupport

/// The stores that keep the contract. Every case of the suite runs against each.
enum StoreKind: String, CaseIterable, Sendable, CustomStringConvertible {
    /// A directory of this machine.
    case directory
    /// A directory of the simulated disk.
    case simulatedDisk
    /// Memory that answers like a bucket.
    case memory
    /// A bucket of a server in this process.
    case bucket
    /// A bucket of the server that `Tools/object-store-server` has started.
    case server

    static let allCases: [StoreKind] =
        [.directory, .simulatedDisk, .memory, .bucket]
        + (RealServer.isThere && RealServer.isShared ? [.server] : [])

    var description: String { rawValue }
}

/// A store with one vault, ready to take objects.
struct Fixture {
    let store: any Store
    let vault = UniqueID.random()
    let session = UniqueID.random()

    var points: StoreFolder { folder("points") }
    var packs: StoreFolder { folder("packs") }

    func folder(_ name: String) -> StoreFolder { StoreFolder("vaults/\(vault.hex)/\(name)") }

    /// The name of a pack, which has 64 digits and lies in a folder of the first two.
    func pack(_ first: UInt8) -> StoreName {
        let digits = SHA256.digest([first]).hex.dropFirst(2)
        let start = first < 16 ? "0" + String(first, radix: 16) : String(first, radix: 16)
        return packs.folder(start).object(start + digits)
    }

    @discardableResult
    func put(
        _ name: StoreName, _ bytes: [UInt8], _ condition: PutCondition = .ifAbsent
    ) throws -> PutOutcome {
        try store.put(name, bytes, condition: condition, by: session)
    }

    func read(_ name: StoreName) throws -> [UInt8] { try store.contents(name, max: 1 << 24) }

    func names(_ folder: StoreFolder) throws -> [String] { try store.names(in: folder).sorted() }

    static func with(_ kind: StoreKind, _ body: (Fixture) throws -> Void) throws {
        try withEmptyStore(kind) { store in
            try store.create()
            try store.prepare(StoreFolder("vaults"))
            let fixture = Fixture(store: store)
            try store.prepare(vault: fixture.vault)
            try body(fixture)
        }
    }

    private static let bucket = ScriptedServer()

    /// Its pages are short, so that lists have several.
    private static func store(at address: String) throws -> S3Store {
        let address = try BucketAddress(address)
        let search = CredentialSearch(environment: RealServer.environment, home: nil)
        var options = S3Options()
        options.pageCount = 3
        let client = S3Client(
            address, try search.credentials(for: address), options: options)
        return S3Store(client, .standard)
    }

    /// A store that has not been created.
    static func withEmptyStore(_ kind: StoreKind, _ body: (any Store) throws -> Void) throws {
        switch kind {
        case .directory:
            try withTemporaryDirectory { try body(DirectoryStore($0.appending("replica"))) }
        case .simulatedDisk:
            let fileSystem = SimulatedFileSystem()
            try fileSystem.makeDirectory("/disk")
            try body(DirectoryStore("/disk/replica", owner: .anybody, fileSystem: fileSystem))
        case .memory: try body(MemoryStore(isThere: false, pageCount: 3))
        case .bucket: try body(store(at: bucket.address(UniqueID.random().hex)))
        case .server: try body(store(at: RealServer.address(UniqueID.random().hex)))
        }
    }
}
