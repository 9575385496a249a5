/// A lock that is open, and perhaps held. It ends with the last reference, and with the process.
///
/// Not before: a call that hangs and is no longer waited for may still use it.
public protocol LockHandle: AnyObject, Sendable {
    /// Takes the lock unless another holder has it.
    /// - Parameter note: kept with the lock where it was taken, for those who wait; nothing when
    ///   empty. That it cannot be kept is no error.
    /// - Returns: whether it was taken.
    func take(note: [UInt8]) throws(IOError) -> Bool

    /// Lets go. Called again, it does nothing.
    /// - Parameter removing: whether what stands for the lock is of no use any more.
    func release(removing: Bool)
}

/// Where a lock is: what `LockWait` needs to know of a file system or a store.
public protocol LockPlace: Sendable {
    /// Opens the lock, and creates what stands for it, without taking it.
    func open() throws(IOError) -> any LockHandle
    /// Nil where nothing tells when the lock may be free.
    func watch() throws(IOError) -> (any LockWatch)?
    /// What the last holder left.
    /// - Parameter max: bytes that are believed.
    func note(max: Int) throws(IOError) -> [UInt8]
    /// Whether another holder has the lock now. Does not create it.
    func isHeld() throws(IOError) -> Bool
    /// What a call is made on, for people.
    var description: String { get }
}
