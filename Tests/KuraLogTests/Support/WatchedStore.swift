import KuraFormat
import KuraIO
import KuraReplicas
import Synchronization
import SystemPackage

/// What happens to one call.
enum Fate: Sendable {
    case done
    /// Nothing is done, and the caller is told so.
    case refused
    /// It is done, and the answer is lost.
    case answerLost
    /// The answer is lost, and the call is done later, by `Watch.send`.
    case late
    /// It is done, its answer arrives, and it is done once more later.
    case twice
}

/// Decides what happens to the calls of one program to one replica.
protocol Watch: Sendable {
    /// - Parameters:
    ///   - call: "put", "get", "status", "list", "delete".
    ///   - key: name of the object or folder.
    func fate(of call: String, _ key: String) -> Fate
    /// Keeps a call to be done later.
    func send(_ call: @escaping @Sendable () -> Void)
}

/// A store behind a watch. Which store it is can change: a disk is replaced, a copy restored.
final class WatchedStore: Store {
    private let home: Place
    private let watch: any Watch

    /// What is at one place, for all programs.
    final class Place: Sendable {
        private let store: Mutex<any Store>

        init(_ store: any Store) { self.store = Mutex(store) }

        var current: any Store {
            get { store.withLock { $0 } }
            set { store.withLock { $0 = newValue } }
        }
    }

    init(_ place: Place, _ watch: any Watch) {
        home = place
        self.watch = watch
    }

    private var base: any Store { home.current }

    private func perform<T>(
        _ call: String, _ key: String, _ body: () throws(IOError) -> T,
        again: (@Sendable () -> Void)? = nil
    ) throws(IOError) -> T {
        let fate = watch.fate(of: call, key)
        switch fate {
        case .done: return try body()
        case .refused: throw IOError.failed(call, place: key)
        case .answerLost:
            _ = try body()
            throw IOError(call, place: key, .timedOut, isOutcomeUnknown: true)
        case .late:
            if let again { watch.send(again) }
            throw IOError(call, place: key, .timedOut, isOutcomeUnknown: true)
        case .twice:
            if let again { watch.send(again) }
            return try body()
        }
    }

    var traits: StoreTraits { base.traits }
    var place: String { base.place }

    func put(
        _ name: StoreName, _ pieces: [UnsafeRawBufferPointer], condition: PutCondition,
        by owner: UniqueID
    ) throws(IOError) -> PutOutcome {
        let bytes = pieces.flatMap { Array($0) }
        let place = home
        return try perform("put", name.key) { () throws(IOError) in
            try base.put(name, bytes, condition: condition, by: owner)
        } again: {
            do throws(IOError) {
                try place.current.put(name, bytes, condition: condition, by: owner)
            } catch {}
        }
    }

    func upload(in folder: StoreFolder, by owner: UniqueID) throws(IOError) -> any Upload {
        try base.upload(in: folder, by: owner)
    }

    func open(_ name: StoreName) throws(IOError) -> any ObjectReader {
        try perform("get", name.key) { () throws(IOError) in try base.open(name) }
    }

    func status(_ name: StoreName) throws(IOError) -> ObjectStatus {
        try perform("status", name.key) { () throws(IOError) in try base.status(name) }
    }

    func list(_ folder: StoreFolder, after mark: ListMark?) throws(IOError) -> ListPage {
        try perform("list", folder.key) { () throws(IOError) in try base.list(folder, after: mark) }
    }

    func delete(_ names: [StoreName]) throws(IOError) {
        for name in names {
            try perform("delete", name.key) { () throws(IOError) in try base.delete([name]) }
        }
    }

    func setAside(_ name: StoreName, as kept: StoreName) throws(IOError) {
        try base.setAside(name, as: kept)
    }

    func makeDurable(_ names: [StoreName]) throws(IOError) { try base.makeDurable(names) }

    func cell(_ name: StoreName, max: Int) throws(IOError) -> Cell? {
        try perform("get", name.key) { () throws(IOError) in try base.cell(name, max: max) }
    }

    func swap(
        _ name: StoreName, _ bytes: [UInt8], expecting: Cell.Tag?
    ) throws(IOError) -> Cell.Tag? {
        try perform("put", name.key) { () throws(IOError) in
            try base.swap(name, bytes, expecting: expecting)
        }
    }

    func openLock(_ name: StoreName) throws(IOError) -> any LockHandle { try base.openLock(name) }
    func watchLock(_ name: StoreName) throws(IOError) -> (any LockWatch)? {
        try base.watchLock(name)
    }
    func isLocked(_ name: StoreName) throws(IOError) -> Bool { try base.isLocked(name) }
    func condition() throws(IOError) -> StoreCondition { try base.condition() }
    func requireTrusted() throws(KuraError) { try base.requireTrusted() }
    func create() throws(IOError) { try base.create() }
    func prepare(vault: UniqueID) throws(IOError) { try base.prepare(vault: vault) }
    func prepare(_ folder: StoreFolder) throws(IOError) { try base.prepare(folder) }
    func isPrepared(_ folder: StoreFolder) throws(IOError) -> Bool { try base.isPrepared(folder) }
    func removeDrafts(
        in vault: UniqueID, where isGone: (UniqueID) -> Bool
    ) throws(IOError) { try base.removeDrafts(in: vault, where: isGone) }
    func room() throws(IOError) -> StoreRoom? { try base.room() }
}
