import KuraFormat
import KuraReplicas
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
        }
    }
}
