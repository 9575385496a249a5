internal import CKernels
public import KuraFormat

/// SHA-256 of many independent messages at once: the way to hash chunks.
///
/// Where the processor has SHA instructions, several messages go through it in turn, which is more
/// than twice as fast as one; elsewhere libcrypto hashes one after the other. Used by one thread;
/// no allocation once its arrays have grown.
public struct BatchHasher {
    private var starts: [UnsafePointer<UInt8>?] = []
    private var lengths: [Int] = []
    private var raw: [UInt8] = []
    /// Digest of each message added, in order, after `run`.
    public private(set) var digests: [Digest] = []

    private static let isSupported = kura_sha256_many_is_supported() != 0

    public init() {}

    public var count: Int { starts.count }

    /// Forgets messages and digests.
    public mutating func removeAll() {
        starts.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        digests.removeAll(keepingCapacity: true)
    }

    /// Adds a message, whose bytes must stay as they are until `run`.
    public mutating func append(_ message: UnsafeRawBufferPointer) {
        starts.append(message.baseAddress?.assumingMemoryBound(to: UInt8.self))
        lengths.append(message.count)
    }

    /// Hashes every message.
    public mutating func run() {
        digests.removeAll(keepingCapacity: true)
        guard Self.isSupported else {
            for (start, length) in zip(starts, lengths) {
                digests.append(
                    ChunkHasher.digest(UnsafeRawBufferPointer(start: start, count: length)))
            }
            return
        }
        let needed = starts.count * Digest.byteCount
        if raw.count < needed { raw = [UInt8](repeating: 0, count: needed) }
        raw.withUnsafeMutableBytes { raw in
            kura_sha256_many(
                starts, lengths, starts.count, raw.baseAddress?.assumingMemoryBound(to: UInt8.self))
            for index in starts.indices {
                digests.append(Digest(loadingFrom: raw.baseAddress! + index * Digest.byteCount))
            }
        }
    }
}
