public import KuraIO

/// A lock of a store.
public struct StoreLockPlace: LockPlace {
    private let store: any Store
    private let name: StoreName

    public init(_ name: StoreName, in store: any Store) {
        self.name = name
        self.store = store
    }

    public func open() throws(IOError) -> any LockHandle { try store.openLock(name) }

    public func watch() throws(IOError) -> (any LockWatch)? { try store.watchLock(name) }

    public func note(max: Int) throws(IOError) -> [UInt8] { try store.lockNote(name, max: max) }

    public func isHeld() throws(IOError) -> Bool { try store.isLocked(name) }

    public var description: String { store.address(of: name) }
}

extension Store {
    /// Takes a lock that ends with the process at the latest, without a wait.
    /// - Returns: nil when another holder has it.
    public func tryLock(_ name: StoreName) throws(IOError) -> (any LockHandle)? {
        let lock = try openLock(name)
        return try lock.take(note: []) ? lock : nil
    }
}
