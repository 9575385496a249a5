public import KuraFormat
public import KuraIO

/// What holds one replica of a region: a directory, or a prefix of a bucket. It keeps whole
/// immutable objects under names, and small cells that are replaced.
///
/// Every call blocks and is safe from any thread. Calls are not made for each chunk: only for each
/// object, each window that is read, and each listing. "Not found" is thrown only where the store
/// has answered that; a refusal or a missing answer is another error.
public protocol Store: Sendable {
    var traits: StoreTraits { get }

    /// Where the store is, for people: the path of a directory, the address of a bucket.
    var place: String { get }

    // MARK: Objects

    /// Writes an object whose bytes are all in memory. Durable on return. No reader sees a part of
    /// it.
    ///
    /// After an error the object may or may not be there; if it is, it is whole. After `outcome
    /// unknown`, ask for its status.
    /// - Parameters:
    ///   - pieces: the bytes, one piece after the other.
    ///   - owner: the session that writes: see `upload`.
    /// - Returns: after `existed(isEqual: false)` nothing has changed.
    func put(
        _ name: StoreName, _ pieces: [UnsafeRawBufferPointer], condition: PutCondition,
        by owner: UniqueID
    ) throws(IOError) -> PutOutcome

    /// Begins a long object, or one whose name is known at its end only. It is not visible before
    /// it is finished.
    /// - Parameters:
    ///   - folder: one that the object will be in, at any depth; the store may keep its draft
    ///     there.
    ///   - owner: the session that writes. `removeDrafts` removes drafts of owners that have ended.
    func upload(in folder: StoreFolder, by owner: UniqueID) throws(IOError) -> any Upload

    /// Opens an object to be read from several places. Throws `not found`.
    ///
    /// With `traits.survivesDeleteWhileOpen` the reader stays good when the object is deleted.
    func open(_ name: StoreName) throws(IOError) -> any ObjectReader

    /// Throws `not found`.
    func status(_ name: StoreName) throws(IOError) -> ObjectStatus

    /// A page of the names in a folder, of a length that the store chooses; drafts are left out.
    ///
    /// - Parameters:
    ///   - folder: its direct members are listed, objects and folders alike; of the folder of packs
    ///     all packs, although they are spread over folders in it. A missing folder throws `not
    ///     found` with `traits.hasFolders`, and is empty without.
    ///   - mark: where the page before ended; nil for the first.
    func list(_ folder: StoreFolder, after mark: ListMark?) throws(IOError) -> ListPage

    /// Deletes objects in this order; of neighbours in one folder, later ones may go first. A
    /// missing one is no error.
    ///
    /// A power failure may bring an object back until something else in its folder has become
    /// durable. Throws at the first one that cannot be deleted; those after it may still be there.
    func delete(_ names: [StoreName]) throws(IOError)

    /// Gives a damaged object another name, durably, so that its bytes can still be looked at.
    /// Throws `not found`. A store that cannot rename copies and deletes.
    func setAside(_ name: StoreName, as kept: StoreName) throws(IOError)

    /// Makes the names of objects that can be seen durable, also those of other writers.
    func makeDurable(_ names: [StoreName]) throws(IOError)

    // MARK: Cells

    /// Reads a cell; nil where there is none.
    /// - Parameter max: longest value that is accepted, in bytes.
    func cell(_ name: StoreName, max: Int) throws(IOError) -> Cell?

    /// Replaces a cell, durably, if it still has the value that the caller read.
    ///
    /// - Parameter expecting: the tag that was read; nil where the cell must not exist. Equal bytes
    ///   may have equal tags, so a cell that returns to an earlier value needs a counter inside.
    /// - Returns: the new tag; nil where another writer was first, and nothing was written.
    func swap(
        _ name: StoreName, _ bytes: [UInt8], expecting: Cell.Tag?
    ) throws(IOError) -> Cell.Tag?

    // MARK: Locks

    /// Opens a lock without taking it, and creates the object or file that stands for it. Once
    /// taken, it ends with the process at the latest.
    func openLock(_ name: StoreName) throws(IOError) -> any LockHandle

    /// Tells when a lock that another holder has may be free; nil where the store cannot tell.
    func watchLock(_ name: StoreName) throws(IOError) -> (any LockWatch)?

    /// Whether another holder has a lock now. Does not create it.
    func isLocked(_ name: StoreName) throws(IOError) -> Bool

    /// What the last holder of a lock left, for those who wait.
    /// - Parameter max: bytes that are believed.
    func lockNote(_ name: StoreName, max: Int) throws(IOError) -> [UInt8]

    // MARK: Places

    /// Whether the store is there, and what is at its root.
    func condition() throws(IOError) -> StoreCondition

    /// Throws `refused` where others than the owner could change what is stored.
    func requireTrusted() throws(KuraError)

    /// Makes an empty store, durably. It must be absent or empty.
    func create() throws(IOError)

    /// Makes a vault ready to take objects, durably.
    func prepare(vault: UniqueID) throws(IOError)

    /// Makes a folder ready to take objects, durably. Its parent must be ready.
    func prepare(_ folder: StoreFolder) throws(IOError)

    /// Whether a folder can take objects. Always true without `traits.hasFolders`.
    func isPrepared(_ folder: StoreFolder) throws(IOError) -> Bool

    /// Removes drafts in a vault.
    /// - Parameter isGone: whether the owner of a draft has ended.
    func removeDrafts(in vault: UniqueID, where isGone: (UniqueID) -> Bool) throws(IOError)

    /// Room for more objects; nil where the store does not say.
    func room() throws(IOError) -> StoreRoom?
}

/// What a store can do, and what its answers guarantee.
public struct StoreTraits: Equatable, Sendable {
    /// On this machine: its room is limited and can be reserved, and a read costs microseconds.
    public var isLocal: Bool
    /// Whether folders exist by themselves, and must be prepared.
    public var hasFolders: Bool
    /// Whether an object that is deleted can be read to its end where it is open.
    public var survivesDeleteWhileOpen: Bool
    /// Whether names are listed in ascending order.
    public var ordersListings: Bool
    /// Whether of several writers that put one name `ifAbsent` exactly one is first.
    public var hasAtomicPutIfAbsent: Bool
    /// Whether of several writers that swap one cell exactly one is first.
    public var hasAtomicSwap: Bool

    public init(
        isLocal: Bool, hasFolders: Bool, survivesDeleteWhileOpen: Bool, ordersListings: Bool,
        hasAtomicPutIfAbsent: Bool, hasAtomicSwap: Bool
    ) {
        self.isLocal = isLocal
        self.hasFolders = hasFolders
        self.survivesDeleteWhileOpen = survivesDeleteWhileOpen
        self.ordersListings = ordersListings
        self.hasAtomicPutIfAbsent = hasAtomicPutIfAbsent
        self.hasAtomicSwap = hasAtomicSwap
    }
}

/// Whether an object that already has the name is replaced.
public enum PutCondition: Sendable {
    /// No, also where it is different.
    case ifAbsent
    /// Only where it is different: then it is damaged, because the name is a digest of the content.
    case content
    /// Yes.
    case replacing
}

public enum PutOutcome: Equatable, Sendable {
    /// The object has the bytes of this call.
    case written
    /// The object was there before.
    case existed(isEqual: Bool)
}

public struct ObjectStatus: Equatable, Sendable {
    public var byteCount: UInt64
    /// When it was written, by the store's clock, in nanoseconds since 1970.
    public var modified: Int64

    public init(byteCount: UInt64, modified: Int64) {
        self.byteCount = byteCount
        self.modified = modified
    }
}

/// Where a page of a listing ended. Only the store that made it understands it.
public struct ListMark: Equatable, Sendable {
    public var value: String

    public init(_ value: String) { self.value = value }
}

public struct ListPage: Equatable, Sendable {
    /// The last part of each name.
    public var names: [String]
    /// Nil where this is the last page.
    public var next: ListMark?

    public init(names: [String], next: ListMark?) {
        self.names = names
        self.next = next
    }
}

/// A small value that changes.
public struct Cell: Equatable, Sendable {
    /// Tells one value of a cell from another.
    public struct Tag: Hashable, Sendable {
        public var value: String

        public init(_ value: String) { self.value = value }
    }

    public var bytes: [UInt8]
    public var tag: Tag

    public init(bytes: [UInt8], tag: Tag) {
        self.bytes = bytes
        self.tag = tag
    }
}

/// Whether a store is there.
public enum StoreCondition: Equatable, Sendable {
    /// The directory or bucket that should hold the store is missing: a disk may not be mounted.
    case unreachable
    /// The store is missing and can be created.
    case absent
    /// The names at its root, drafts left out.
    case present([String])
}

/// Room of the device that holds a store.
public struct StoreRoom: Equatable, Sendable {
    /// Stores with the same number share the room.
    public var device: UInt64
    public var freeBytes: UInt64

    public init(device: UInt64, freeBytes: UInt64) {
        self.device = device
        self.freeBytes = freeBytes
    }
}
