public import KuraFormat
public import KuraIO
internal import Synchronization
public import SystemPackage

/// A store in a directory: objects are files, named by rename and made durable by flushes.
///
/// The only type that joins paths and knows temporary names, directories and permissions. See
/// `Publication` for what is on disk if power fails while an object is written. No link below the
/// directory is followed, so that a user who can write to it gets no access to other files.
public final class DirectoryStore: Store {
    public let path: FilePath
    /// Whether the directory is trusted.
    let owner: ReplicaOwner
    package let fileSystem: any FileSystem
    /// The path as a string: appending to a FilePath parses the whole path each time.
    private let root: String
    /// Makes temporary names unique among those of one owner.
    private let drafts = Atomic<Int>(0)

    public init(
        _ path: FilePath, owner: ReplicaOwner = .trusted,
        fileSystem: any FileSystem = LocalFileSystem()
    ) {
        self.path = path
        self.owner = owner
        self.fileSystem = fileSystem.contained(in: path)
        root = path.string
    }

    public let traits = StoreTraits(
        isLocal: true, hasFolders: true, survivesDeleteWhileOpen: true, ordersListings: false,
        hasAtomicPutIfAbsent: true, hasAtomicSwap: true)

    public var place: String { root }

    func path(of name: StoreName) -> FilePath { FilePath("\(root)/\(name.key)") }

    func path(of folder: StoreFolder) -> FilePath {
        folder.key.isEmpty ? path : FilePath("\(root)/\(folder.key)")
    }

    // MARK: Objects

    public func put(
        _ name: StoreName, _ pieces: [UnsafeRawBufferPointer], condition: PutCondition,
        by owner: UniqueID
    ) throws(IOError) -> PutOutcome {
        let upload = try upload(in: name.folder, by: owner)
        for piece in pieces { try upload.append(piece) }
        try upload.complete()
        let outcome = try upload.finish(as: name, condition)
        if outcome == .existed(isEqual: false) { upload.abandon() }
        return outcome
    }

    public func upload(in folder: StoreFolder, by owner: UniqueID) throws(IOError) -> any Upload {
        let number = drafts.add(1, ordering: .relaxed).newValue
        let draft = Draft.name(in: folder, owner, number)
        return DirectoryUpload(self, try Publication(fileSystem, temporary: path(of: draft)))
    }

    public func open(_ name: StoreName) throws(IOError) -> any ObjectReader {
        try DirectoryObject(path(of: name), fileSystem)
    }

    public func status(_ name: StoreName) throws(IOError) -> ObjectStatus {
        let status = try fileSystem.status(path(of: name))
        return ObjectStatus(byteCount: status.byteCount, modified: status.modified)
    }

    public func list(
        _ folder: StoreFolder, after mark: ListMark?
    ) throws(IOError) -> ListPage {
        // One page for each of the directories that packs are spread over.
        if Layout.isFannedOut(folder) {
            let number = mark.flatMap { Int($0.value) } ?? 0
            let names = try fileSystem.list(path(of: folder.folder(Layout.fanOut[number])))
            let next = number + 1
            return ListPage(
                names: names, next: next < Layout.fanOut.count ? ListMark("\(next)") : nil)
        }
        let names = try fileSystem.list(path(of: folder))
        guard folder == .root else { return ListPage(names: names, next: nil) }
        return ListPage(names: names.filter { !Draft.isAtRoot($0) }, next: nil)
    }

    public func delete(_ names: [StoreName]) throws(IOError) {
        for name in names {
            do throws(IOError) {
                try fileSystem.remove(path(of: name))
            } catch {
                if !error.isNotFound { throw error }
            }
        }
    }

    public func setAside(_ name: StoreName, as kept: StoreName) throws(IOError) {
        try fileSystem.rename(path(of: name), to: path(of: kept), replacing: false)
        try fileSystem.flushDirectory(path(of: kept.folder))
    }

    public func makeDurable(_ names: [StoreName]) throws(IOError) {
        for folder in Set(names.map(\.folder)) { try fileSystem.flushDirectory(path(of: folder)) }
    }

    // MARK: Cells

    public func cell(_ name: StoreName, max: Int) throws(IOError) -> Cell? {
        do throws(IOError) {
            let bytes = try contents(name, max: max)
            return Cell(bytes: bytes, tag: Self.tag(of: bytes))
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    private static func tag(of bytes: [UInt8]) -> Cell.Tag { Cell.Tag(SHA256.digest(bytes).hex) }

    public func swap(
        _ name: StoreName, _ bytes: [UInt8], expecting: Cell.Tag?
    ) throws(IOError) -> Cell.Tag? {
        // Another holder is replacing the cell now, so the caller's value is old.
        guard let lock = try fileSystem.lock(path(of: Draft.lock(of: name))) else { return nil }
        defer { fileSystem.close(lock) }
        let found = try cell(name, max: Limits.recordBodyBytesMax)
        guard found?.tag == expecting else { return nil }
        try put(name, bytes, condition: .replacing, by: .random())
        return Self.tag(of: bytes)
    }

    // MARK: Locks

    public func openLock(_ name: StoreName) throws(IOError) -> any LockHandle {
        try FileLock(path(of: name), fileSystem)
    }

    public func watchLock(_ name: StoreName) -> (any LockWatch)? {
        fileSystem.watchLock(path(of: name))
    }

    public func isLocked(_ name: StoreName) throws(IOError) -> Bool {
        try FileLockPlace(path(of: name), fileSystem).isHeld()
    }
}
