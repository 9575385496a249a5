public import KuraIO

/// An object on its way into a store. Its bytes become durable before it gets its name.
///
/// One thread at a time uses it. After the first error only `abandon` may be called.
public protocol Upload: AnyObject, Sendable {
    /// Bytes so far.
    var byteCount: UInt64 { get }

    func append(_ bytes: UnsafeRawBufferPointer) throws(IOError)

    /// Makes the bytes durable, under no name yet. This is the long part of writing an object.
    /// Nothing may be appended after it.
    func complete() throws(IOError)

    /// Gives the complete object its name, durably.
    ///
    /// - Returns: after `existed(isEqual: false)` the object can be finished again or abandoned;
    ///   after everything else the upload is over.
    func finish(as name: StoreName, _ condition: PutCondition) throws(IOError) -> PutOutcome

    /// Removes what was written. Nothing may be called after it.
    func abandon()
}

/// An object that is open for reading. Closes itself.
public protocol ObjectReader: AnyObject, Sendable {
    /// Length of the object, in bytes. Ask for it before the object is deleted.
    func byteCount() throws(IOError) -> UInt64

    /// Fills `target` from `offset`; fewer bytes come back only at the end of the object.
    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int
}
