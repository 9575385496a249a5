internal import Glibc
internal import SystemPackage

/// A stream that takes a disk in order: standard output.
public final class StreamSink: DiskSink {
    private let descriptor: Int32
    public let name: String
    public let byteCount: UInt64

    /// - Parameter descriptor: stays the caller's.
    public init(descriptor: Int32, name: String, byteCount: UInt64) {
        self.descriptor = descriptor
        self.name = name
        self.byteCount = byteCount
    }

    public var access: DiskAccess { .sequential }
    public var startsAsZeros: Bool { false }

    /// - Parameter offset: where the bytes before these ended; a stream has no other place.
    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0, Glibc.errno == EINTR { continue }
            guard count > 0 else {
                throw KuraError(
                    io: IOError("write", at: FilePath(name), Errno(rawValue: Glibc.errno)))
            }
            done += count
        }
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) {
        try Zeros.forEachPiece(of: range) { (offset, zeros) throws(KuraError) in
            try write(at: offset, zeros)
        }
    }

    public func startWriteback(_ range: Range<UInt64>) {}

    /// Nothing is left to do: how durable the bytes are is up to the reader of the stream.
    public func finish() throws(KuraError) {}

    public func abandon() {}
}
