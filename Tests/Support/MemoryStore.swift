public import KuraFormat
public import KuraIO
public import KuraReplicas
internal import Synchronization
public import SystemPackage

/// A store in memory that answers like a bucket: no folders, sorted listings by the page, nothing
/// to rename. Its calls fail on request.
public final class MemoryStore: Store {
    public enum Call: String, Sendable, CaseIterable {
        case put, upload, append, complete, finish, open, read, status, list, delete, setAside
        case makeDurable, cell, swap, lock, create
    }

    public struct Event: Sendable {
        public var call: Call
        /// The object or folder; empty for an upload that has no name yet.
        public var key: String
        /// Calls of any kind before this one.
        public var number: Int
    }

    public enum Fault: Sendable {
        /// Nothing is done.
        case failure(Errno)
        /// It is done, and the answer is lost.
        case lostAnswer
        /// The bytes that are read are wrong.
        case wrongByte
        /// What is written can be seen only after so many calls.
        case delay(Int)
    }

    private struct Object {
        var bytes: [UInt8]
        var modified: Int64
        var visibleFrom = 0
        var serial: Int
    }

    private struct State {
        var calls = 0
        var serial = 0
        var objects: [String: Object] = [:]
        var drafts: [(owner: UniqueID, vault: String, serial: Int)] = []
        var held = Set<String>()
        var isThere: Bool
        var fault: (@Sendable (Event) -> Fault?)?

        func object(_ key: String) -> Object? {
            objects[key].flatMap { $0.visibleFrom <= calls ? $0 : nil }
        }

        mutating func write(_ key: String, _ bytes: [UInt8], delay: Int) {
            serial += 1
            objects[key] = Object(
                bytes: bytes, modified: Clock.now(), visibleFrom: delay == 0 ? 0 : calls + delay,
                serial: serial)
        }
    }

    public let place: String
    public let traits: StoreTraits
    private let pageCount: Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - isThere: whether it has been created.
    ///   - pageCount: names in a page of a listing.
    public init(
        _ place: String = "memory:", isThere: Bool = true, pageCount: Int = 100,
        survivesDeleteWhileOpen: Bool = false
    ) {
        self.place = place
        self.pageCount = pageCount
        traits = StoreTraits(
            isLocal: false, hasFolders: false, survivesDeleteWhileOpen: survivesDeleteWhileOpen,
            ordersListings: true, hasAtomicPutIfAbsent: true, hasAtomicSwap: true)
        state = Mutex(State(isThere: isThere))
    }

    /// A store of its own with the same objects: a disk that was copied.
    public func copied() -> MemoryStore {
        let copy = MemoryStore(place, pageCount: pageCount)
        let objects = state.withLock { $0.objects }
        copy.state.withLock { $0.objects = objects }
        return copy
    }

    /// What goes wrong from now on.
    public func inject(_ fault: (@Sendable (Event) -> Fault?)?) {
        state.withLock { $0.fault = fault }
    }

    /// Names of all objects.
    public var keys: [String] { state.withLock { $0.objects.keys.sorted() } }

    public func bytes(of key: String) -> [UInt8]? { state.withLock { $0.objects[key]?.bytes } }

    /// Changes the bytes of an object without a call.
    public func damage(_ key: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard var object = state.objects[key] else { return }
            change(&object.bytes)
            state.objects[key] = object
        }
    }

    // MARK: Faults

    private func failure(_ call: Call, _ key: String, _ errno: Errno) -> IOError {
        IOError(call.rawValue, place: "\(place)/\(key)", errno)
    }

    /// Counts a call and makes it, with what goes wrong about it.
    private func perform<T: Sendable>(
        _ call: Call, _ key: String, _ body: (inout State, Fault?) throws(IOError) -> T
    ) throws(IOError) -> T {
        let result = state.withLock { state -> Result<T, IOError> in
            let event = Event(call: call, key: key, number: state.calls)
            state.calls += 1
            let fault = state.fault?(event)
            if case .failure(let errno) = fault { return .failure(failure(call, key, errno)) }
            do throws(IOError) {
                let value = try body(&state, fault)
                guard case .lostAnswer = fault else { return .success(value) }
                return .failure(
                    IOError(call.rawValue, place: key, .timedOut, isOutcomeUnknown: true))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func notFound(_ call: Call, _ key: String) -> IOError {
        failure(call, key, .noSuchFileOrDirectory)
    }

    // MARK: Objects

    private func write(
        _ call: Call, _ name: StoreName, _ bytes: [UInt8], _ condition: PutCondition
    ) throws(IOError) -> PutOutcome {
        try perform(call, name.key) { (state, fault) throws(IOError) in
            var delay = 0
            if case .delay(let calls) = fault { delay = calls }
            if condition != .replacing, let known = state.objects[name.key] {
                let isEqual = known.bytes == bytes
                if isEqual || condition == .ifAbsent { return .existed(isEqual: isEqual) }
            }
            state.write(name.key, bytes, delay: delay)
            return .written
        }
    }

    public func put(
        _ name: StoreName, _ pieces: [UnsafeRawBufferPointer], condition: PutCondition,
        by owner: UniqueID
    ) throws(IOError) -> PutOutcome {
        try write(.put, name, pieces.flatMap { Array($0) }, condition)
    }

    public func upload(in folder: StoreFolder, by owner: UniqueID) throws(IOError) -> any Upload {
        let serial = try perform(.upload, "") { (state, _) throws(IOError) in
            state.serial += 1
            let vault = folder.key.split(separator: "/").prefix(2).joined(separator: "/")
            state.drafts.append((owner, vault, state.serial))
            return state.serial
        }
        return MemoryUpload(self, serial)
    }

    fileprivate func step(_ call: Call) throws(IOError) {
        try perform(call, "") { (_, _) throws(IOError) in }
    }

    fileprivate func finish(
        _ serial: Int, as name: StoreName, _ bytes: [UInt8], _ condition: PutCondition
    ) throws(IOError) -> PutOutcome {
        guard state.withLock({ $0.drafts.contains { $0.serial == serial } }) else {
            throw notFound(.finish, name.key)
        }
        let outcome = try write(.finish, name, bytes, condition)
        if outcome != .existed(isEqual: false) { forget(serial) }
        return outcome
    }

    fileprivate func forget(_ serial: Int) {
        state.withLock { $0.drafts.removeAll { $0.serial == serial } }
    }

    public func open(_ name: StoreName) throws(IOError) -> any ObjectReader {
        let (bytes, serial) = try perform(.open, name.key) { (state, _) throws(IOError) in
            guard let object = state.object(name.key) else { throw notFound(.open, name.key) }
            return (object.bytes, object.serial)
        }
        return MemoryObject(self, name.key, bytes, serial)
    }

    fileprivate func read(
        _ key: String, _ serial: Int, _ bytes: [UInt8], at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        let isWrong = try perform(.read, key) { (state, fault) throws(IOError) in
            if !traits.survivesDeleteWhileOpen, state.objects[key]?.serial != serial {
                throw notFound(.read, key)
            }
            if case .wrongByte = fault { return true }
            return false
        }
        let part = bytes.dropFirst(Int(clamping: offset)).prefix(target.count)
        target.copyBytes(from: part)
        if isWrong, !part.isEmpty { target[part.count / 2] ^= 1 }
        return part.count
    }

    public func status(_ name: StoreName) throws(IOError) -> ObjectStatus {
        try perform(.status, name.key) { (state, _) throws(IOError) in
            guard let object = state.object(name.key) else { throw notFound(.status, name.key) }
            return ObjectStatus(byteCount: UInt64(object.bytes.count), modified: object.modified)
        }
    }

    public func list(_ folder: StoreFolder, after mark: ListMark?) throws(IOError) -> ListPage {
        try perform(.list, folder.key) { (state, _) throws(IOError) in
            let prefix = folder.key.isEmpty ? "" : "\(folder.key)/"
            // Of packs every one, at any depth; of everything else what is right in the folder.
            let isDeep = folder.key.hasPrefix("vaults/") && folder.key.hasSuffix("/packs")
            var names = Set<String>()
            for (key, object) in state.objects
            where object.visibleFrom <= state.calls && key.hasPrefix(prefix) {
                let parts = key.dropFirst(prefix.count).split(separator: "/")
                names.insert(String(isDeep ? parts[parts.count - 1] : parts[0]))
            }
            let rest = names.sorted().filter { name in mark.map { name > $0.value } ?? true }
            let page = Array(rest.prefix(pageCount))
            return ListPage(
                names: page, next: page.count < rest.count ? page.last.map { ListMark($0) } : nil)
        }
    }

    public func delete(_ names: [StoreName]) throws(IOError) {
        for name in names {
            try perform(.delete, name.key) { (state, _) throws(IOError) in
                state.objects[name.key] = nil
            }
        }
    }

    public func setAside(_ name: StoreName, as kept: StoreName) throws(IOError) {
        try perform(.setAside, name.key) { (state, _) throws(IOError) in
            guard let object = state.object(name.key) else { throw notFound(.setAside, name.key) }
            state.objects[kept.key] = object
            state.objects[name.key] = nil
        }
    }

    public func makeDurable(_ names: [StoreName]) throws(IOError) {
        try perform(.makeDurable, names.first?.key ?? "") { (_, _) throws(IOError) in }
    }

    // MARK: Cells

    public func cell(_ name: StoreName, max: Int) throws(IOError) -> Cell? {
        try perform(.cell, name.key) { (state, _) throws(IOError) in
            guard let object = state.object(name.key) else { return nil }
            guard object.bytes.count <= max else {
                throw failure(.cell, name.key, .fileTooLarge)
            }
            return Cell(bytes: object.bytes, tag: Cell.Tag("\(object.serial)"))
        }
    }

    public func swap(
        _ name: StoreName, _ bytes: [UInt8], expecting: Cell.Tag?
    ) throws(IOError) -> Cell.Tag? {
        try perform(.swap, name.key) { (state, _) throws(IOError) in
            let known = state.objects[name.key].map { Cell.Tag("\($0.serial)") }
            guard known == expecting else { return nil }
            state.write(name.key, bytes, delay: 0)
            return Cell.Tag("\(state.serial)")
        }
    }

    // MARK: Locks

    public func openLock(_ name: StoreName) throws(IOError) -> any LockHandle {
        try perform(.lock, name.key) { (state, _) throws(IOError) in
            if state.objects[name.key] == nil { state.write(name.key, [], delay: 0) }
        }
        return MemoryLock(self, name.key)
    }

    public func watchLock(_ name: StoreName) -> (any LockWatch)? { nil }

    fileprivate func take(_ key: String, note: [UInt8]) throws(IOError) -> Bool {
        try perform(.lock, key) { (state, _) throws(IOError) in
            guard state.held.insert(key).inserted else { return false }
            if !note.isEmpty { state.write(key, note, delay: 0) }
            return true
        }
    }

    fileprivate func unlock(_ key: String, removing: Bool) {
        state.withLock { state in
            state.held.remove(key)
            if removing { state.objects[key] = nil }
        }
    }

    public func isLocked(_ name: StoreName) throws(IOError) -> Bool {
        try perform(.lock, name.key) { (state, _) throws(IOError) in state.held.contains(name.key) }
    }

    // MARK: Places

    public func condition() throws(IOError) -> StoreCondition {
        guard state.withLock({ $0.isThere }) else { return .absent }
        return .present(try names(in: .root))
    }

    public func requireTrusted() {}

    public func create() throws(IOError) {
        try perform(.create, "") { (state, _) throws(IOError) in state.isThere = true }
    }

    public func prepare(vault: UniqueID) {}
    public func prepare(_ folder: StoreFolder) {}
    public func isPrepared(_ folder: StoreFolder) -> Bool { true }

    public func removeDrafts(in vault: UniqueID, where isGone: (UniqueID) -> Bool) {
        let drafts = state.withLock { $0.drafts }
        for draft in drafts where draft.vault == "vaults/\(vault.hex)" && isGone(draft.owner) {
            forget(draft.serial)
        }
    }

    /// Uploads that are neither finished nor abandoned.
    public var draftCount: Int { state.withLock { $0.drafts.count } }

    public func room() -> StoreRoom? { nil }
}

/// One thread at a time uses it: `@unchecked Sendable`.
private final class MemoryUpload: Upload, @unchecked Sendable {
    private let store: MemoryStore
    private let serial: Int
    private var bytes: [UInt8] = []

    init(_ store: MemoryStore, _ serial: Int) {
        self.store = store
        self.serial = serial
    }

    var byteCount: UInt64 { UInt64(bytes.count) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
        try orForget { () throws(IOError) in try store.step(.append) }
        self.bytes += bytes
    }

    func complete() throws(IOError) {
        try orForget { () throws(IOError) in try store.step(.complete) }
    }

    func finish(as name: StoreName, _ condition: PutCondition) throws(IOError) -> PutOutcome {
        do throws(IOError) {
            return try store.finish(serial, as: name, bytes, condition)
        } catch {
            store.forget(serial)
            throw error
        }
    }

    private func orForget(_ body: () throws(IOError) -> Void) throws(IOError) {
        do throws(IOError) {
            try body()
        } catch {
            store.forget(serial)
            throw error
        }
    }

    func abandon() { store.forget(serial) }
}

private final class MemoryObject: ObjectReader {
    private let store: MemoryStore
    private let key: String
    private let bytes: [UInt8]
    private let serial: Int

    init(_ store: MemoryStore, _ key: String, _ bytes: [UInt8], _ serial: Int) {
        self.store = store
        self.key = key
        self.bytes = bytes
        self.serial = serial
    }

    func byteCount() -> UInt64 { UInt64(bytes.count) }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        try store.read(key, serial, bytes, at: offset, into: target)
    }
}

private final class MemoryLock: LockHandle {
    private let store: MemoryStore
    private let key: String
    private let isHeld = Atomic<Bool>(false)

    init(_ store: MemoryStore, _ key: String) {
        self.store = store
        self.key = key
    }

    deinit { release(removing: false) }

    func take(note: [UInt8]) throws(IOError) -> Bool {
        let isTaken = try store.take(key, note: note)
        if isTaken { isHeld.store(true, ordering: .releasing) }
        return isTaken
    }

    func release(removing: Bool) {
        guard isHeld.exchange(false, ordering: .acquiringAndReleasing) else { return }
        store.unlock(key, removing: removing)
    }
}
