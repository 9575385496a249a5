/// A disk in memory: all of it, or one stretch of a stream that was read ahead.
public final class MemorySource: DiskSource {
    public let name: String
    private let buffer: AlignedBuffer
    private let range: Range<UInt64>

    /// - Parameters:
    ///   - buffer: its first `count` bytes must not change any more.
    ///   - count: bytes of the stretch, at most those of the buffer.
    ///   - start: where the stretch lies on the disk. What is before it is a hole.
    public init(name: String, buffer: AlignedBuffer, count: Int, start: UInt64 = 0) {
        precondition(0...buffer.byteCount ~= count)
        self.name = name
        self.buffer = buffer
        range = start..<(start + UInt64(count))
    }

    public convenience init(name: String, _ bytes: [UInt8]) {
        let buffer = AlignedBuffer(byteCount: max(bytes.count, 1))
        buffer.bytes.copyBytes(from: bytes)
        self.init(name: name, buffer: buffer, count: bytes.count)
    }

    public var byteCount: UInt64 { range.upperBound }
    public var knownByteCount: UInt64? { byteCount }

    public func nextData(in wanted: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        let data = wanted.clamped(to: range)
        return data.isEmpty ? nil : data
    }

    public func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        guard offset < range.upperBound, let base = target.baseAddress else { return 0 }
        let count = Int(min(UInt64(target.count), range.upperBound - offset))
        let hole = offset < range.lowerBound ? min(count, Int(range.lowerBound - offset)) : 0
        base.initializeMemory(as: UInt8.self, repeating: 0, count: hole)
        if hole < count {
            let start = Int(offset + UInt64(hole) - range.lowerBound)
            (base + hole).copyMemory(from: buffer.base + start, byteCount: count - hole)
        }
        return count
    }

    public func hasChanged() throws(KuraError) -> Bool { false }
}
