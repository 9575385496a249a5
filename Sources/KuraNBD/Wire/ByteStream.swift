public import KuraIO

/// Bytes to and from the other side of a connection, in order.
public protocol ByteStream: AnyObject, Sendable {
    /// Sends all bytes.
    func send(_ bytes: UnsafeRawBufferPointer) throws(KuraError)
    /// Fills the whole target.
    /// - Throws: also when the bytes end before, do not come in time, or the work is cancelled.
    func receive(into target: UnsafeMutableRawBufferPointer) throws(KuraError)
    /// Waits for as long as the work lasts until something comes.
    /// - Returns: false when nothing comes any more, because the other side has closed.
    func waitForBytes() throws(KuraError) -> Bool
    /// Ends a wait with this, which stands for all that ended it before.
    func end(with cancellation: Cancellation)
}

extension ByteStream {
    func send(_ bytes: [UInt8]) throws(KuraError) {
        try withKuraErrors { try bytes.withUnsafeBytes { try send($0) } }
    }

    func receive(_ count: Int) throws(KuraError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try withKuraErrors { try bytes.withUnsafeMutableBytes { try receive(into: $0) } }
        return bytes
    }
}
