/// Appends little-endian values to a byte array: the mirror of `ByteReader`.
public struct ByteWriter {
    public private(set) var bytes: [UInt8] = []

    public init(reserving count: Int = 0) {
        bytes.reserveCapacity(count)
    }

    public mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func append(_ raw: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: raw)
    }

    public mutating func append(_ array: [UInt8]) {
        bytes.append(contentsOf: array)
    }

    public mutating func digest(_ digest: Digest) {
        withUnsafeTemporaryAllocation(byteCount: Digest.byteCount, alignment: 8) { buffer in
            digest.store(to: buffer.baseAddress!)
            bytes.append(contentsOf: buffer)
        }
    }

    mutating func mac(_ mac: ChunkMAC) {
        withUnsafeBytes(of: mac.word0.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: mac.word1.bigEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func uniqueID(_ id: UniqueID) {
        withUnsafeBytes(of: id.high.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: id.low.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// A 16-bit length, then the UTF-8 bytes. The caller has checked the length against `Limits`.
    public mutating func text(_ text: String, max: Int = Limits.textBytesMax) {
        let utf8 = Array(text.utf8)
        precondition(utf8.count <= max, "text longer than its limit")
        integer(UInt16(utf8.count))
        append(utf8)
    }

    public mutating func list<T>(_ elements: [T], _ write: (inout ByteWriter, T) -> Void) {
        integer(UInt16(elements.count))
        for element in elements { write(&self, element) }
    }

    mutating func nonce(_ value: UInt64, byteCount: Int) {
        for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }

    public mutating func zeros(_ count: Int) {
        bytes.append(contentsOf: repeatElement(0, count: count))
    }
}
