internal import Glibc
internal import Synchronization

/// The bytes of a file of a simulated disk at one moment. They never change, so that any number of
/// disks share them.
final class SimulatedBytes: Sendable {
    static let none = SimulatedBytes([], byteCount: 0)

    let byteCount: Int
    /// The first bytes; zeros follow up to `byteCount`, so that reserved space costs nothing.
    private let stored: [UInt8]
    /// 0 until it is asked for.
    private let sum = Atomic<Int>(0)

    init(_ stored: [UInt8], byteCount: Int) {
        self.stored = stored
        self.byteCount = byteCount
    }

    /// What counts of each file when disks are compared. Those of tests are shorter.
    private static let hashedBytes = 128 << 10

    /// Equal for equal bytes, in one process.
    var fingerprint: Int {
        let known = sum.load(ordering: .relaxed)
        if known != 0 { return known }
        var hasher = Hasher()
        hasher.combine(byteCount)
        stored.withUnsafeBytes { bytes in
            hasher.combine(bytes: .init(rebasing: bytes.prefix(Self.hashedBytes)))
        }
        let found = hasher.finalize()
        sum.store(found, ordering: .relaxed)
        return found
    }

    /// - Returns: the number of bytes that were copied: fewer than `target` holds only at the end.
    func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) -> Int {
        let start = Int(min(offset, UInt64(byteCount)))
        let count = min(target.count, byteCount - start)
        let copied = max(0, min(count, stored.count - start))
        stored.withUnsafeBytes { source in
            guard copied > 0 else { return }
            target.copyMemory(from: .init(rebasing: source[start..<(start + copied)]))
        }
        if copied < count { memset(target.baseAddress! + copied, 0, count - copied) }
        return count
    }

    /// These bytes with others from `offset` on.
    func writing(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> SimulatedBytes {
        let end = offset + bytes.count
        if offset >= stored.count, Self.areZeros(bytes) {
            return SimulatedBytes(stored, byteCount: max(byteCount, end))
        }
        var found: [UInt8] = []
        found.reserveCapacity(max(end, stored.count))
        found += stored.prefix(offset)
        if found.count < offset { found += repeatElement(0, count: offset - found.count) }
        found += bytes
        if end < stored.count { found += stored[end...] }
        return SimulatedBytes(found, byteCount: max(byteCount, end))
    }

    func resized(to count: Int) -> SimulatedBytes {
        SimulatedBytes(Array(stored.prefix(count)), byteCount: count)
    }

    func zeroing(_ range: Range<Int>) -> SimulatedBytes {
        var found = stored
        for index in range.clamped(to: 0..<stored.count) { found[index] = 0 }
        return SimulatedBytes(found, byteCount: byteCount)
    }

    func flippingBit(_ number: Int) -> SimulatedBytes {
        var found = stored
        if found.isEmpty { found = [0] }
        found[number / 8 % found.count] ^= 1 << UInt8(number % 8)
        return SimulatedBytes(found, byteCount: byteCount)
    }

    /// A file of `count` bytes of which each sector is from these bytes or from `other`.
    func torn(
        with other: SimulatedBytes, count: Int, sectorBytes: Int, isMine: () -> Bool
    ) -> SimulatedBytes {
        let storedCount = min(count, max(stored.count, other.stored.count))
        var found = [UInt8](repeating: 0, count: storedCount)
        for start in stride(from: 0, to: storedCount, by: sectorBytes) {
            let source = isMine() ? stored : other.stored
            let end = min(start + sectorBytes, storedCount, source.count)
            if start < end { found.replaceSubrange(start..<end, with: source[start..<end]) }
        }
        return SimulatedBytes(found, byteCount: count)
    }

    private static func areZeros(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, bytes.count > 1 else {
            return bytes.allSatisfy { $0 == 0 }
        }
        return bytes[0] == 0 && memcmp(base, base + 1, bytes.count - 1) == 0
    }
}
