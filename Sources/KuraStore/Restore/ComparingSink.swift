public import KuraIO
internal import Synchronization

/// A sink that stores nothing: it compares the disk that is written to it with another one.
public final class ComparingSink: DiskSink {
    public let byteCount: UInt64
    private let other: any DiskSource
    private let differs = Atomic<Bool>(false)

    /// - Parameters:
    ///   - other: what the disk is compared with, readable at any offset.
    ///   - byteCount: size of the disk.
    public init(with other: any DiskSource, byteCount: UInt64) {
        self.other = other
        self.byteCount = byteCount
    }

    /// Whether everything that was written so far equals the other disk, and their sizes are equal.
    /// Where the other disk cannot be read, the two differ.
    public var isEqual: Bool {
        other.knownByteCount == byteCount && !differs.load(ordering: .relaxed)
    }

    public var name: String { "the comparison with \(other.name)" }
    public var access: DiskAccess { .random }
    public var startsAsZeros: Bool { false }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        guard isEqual, !bytes.isEmpty else { return }
        let buffer = AlignedBuffer(byteCount: min(bytes.count, Tuning.windowBytes))
        var done = 0
        while done < bytes.count {
            let count = min(bytes.count - done, buffer.byteCount)
            let found = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
            let wanted = UnsafeRawBufferPointer(rebasing: bytes[done..<(done + count)])
            guard holds(wanted, at: offset + UInt64(done), found) else {
                differs.store(true, ordering: .relaxed)
                return
            }
            done += count
        }
    }

    /// - Parameter buffer: of the size of `bytes`.
    private func holds(
        _ bytes: UnsafeRawBufferPointer, at offset: UInt64,
        _ buffer: UnsafeMutableRawBufferPointer
    ) -> Bool {
        do throws(KuraError) {
            return try other.read(at: offset, into: buffer) == bytes.count
                && Memory.equal(UnsafeRawBufferPointer(buffer), bytes)
        } catch {
            return false
        }
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) {
        var rest = range
        while isEqual, let data = try other.nextData(in: rest) {
            try Zeros.forEachPiece(of: data) { (offset, zeros) throws(KuraError) in
                try write(at: offset, zeros)
            }
            rest = data.upperBound..<range.upperBound
        }
    }

    public func startWriteback(_ range: Range<UInt64>) {}
    public func finish() throws(KuraError) {}
    public func abandon() {}
}
