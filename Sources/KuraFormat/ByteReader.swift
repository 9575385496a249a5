/// Reads little-endian values from bytes that may be wrong.
///
/// Every read is checked against the end and throws `truncated`. A reader borrows its bytes: it
/// must not outlive the closure or buffer that it was made from.
public struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    /// What is read: named in errors.
    let structure: Structure
    /// Offset of the next byte, from the start.
    public private(set) var offset = 0

    public init(_ bytes: UnsafeRawBufferPointer, of structure: Structure) {
        self.bytes = bytes
        self.structure = structure
    }

    public var remaining: Int { bytes.count - offset }

    /// The next `count` bytes, without copying them.
    public mutating func bytes(_ count: Int) throws(FormatError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else {
            throw .truncated(
                structure, needed: UInt64(clamping: offset) + UInt64(clamping: count),
                available: UInt64(bytes.count))
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
    }

    /// The bytes that were read since `start`, an earlier `offset`.
    func bytes(since start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
    }

    private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type
    ) throws(FormatError) -> T {
        let raw = try bytes(MemoryLayout<T>.size)
        return T(littleEndian: raw.loadUnaligned(as: T.self))
    }

    public mutating func uint8() throws(FormatError) -> UInt8 { try integer(UInt8.self) }
    public mutating func uint16() throws(FormatError) -> UInt16 { try integer(UInt16.self) }
    public mutating func uint32() throws(FormatError) -> UInt32 { try integer(UInt32.self) }
    public mutating func uint64() throws(FormatError) -> UInt64 { try integer(UInt64.self) }
    public mutating func int64() throws(FormatError) -> Int64 { try integer(Int64.self) }

    public mutating func digest() throws(FormatError) -> Digest {
        let raw = try bytes(Digest.byteCount)
        return Digest(loadingFrom: raw.baseAddress!)
    }

    mutating func mac() throws(FormatError) -> ChunkMAC {
        ChunkMAC(loadingFrom: try bytes(ChunkMAC.byteCount).baseAddress!)
    }

    public mutating func uniqueID() throws(FormatError) -> UniqueID {
        let raw = try bytes(UniqueID.byteCount)
        return UniqueID(
            high: UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    /// A 16-bit length, then that many bytes of valid UTF-8.
    public mutating func text(
        _ field: String, max: Int = Limits.textBytesMax
    ) throws(FormatError) -> String {
        let count = Int(try uint16())
        guard count <= max else { throw .invalidField(structure, field: field) }
        let raw = try bytes(count)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .invalidField(structure, field: field)
        }
        return text
    }

    /// A text of 1...`Limits.nameBytesMax` bytes.
    public mutating func name(_ field: String) throws(FormatError) -> String {
        let name = try text(field, max: Limits.nameBytesMax)
        guard !name.isEmpty else { throw .invalidField(structure, field: field) }
        return name
    }

    /// A counted list. `max` bounds the count before anything is allocated.
    public mutating func list<T>(
        _ field: String, max: Int, _ element: (inout ByteReader) throws(FormatError) -> T
    ) throws(FormatError) -> [T] {
        let count = Int(try uint16())
        guard count <= max else { throw .invalidField(structure, field: field) }
        var elements: [T] = []
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }

    /// Reserved bytes: a writer of this version writes zeros, and a reader refuses others.
    public mutating func zeros(_ count: Int, _ field: String) throws(FormatError) {
        guard try bytes(count).allSatisfy({ $0 == 0 }) else {
            throw .invalidField(structure, field: field)
        }
    }

    /// The nonce of a header: zeros in version 1, any other value from version 2 on.
    mutating func nonce(byteCount: Int, in version: UInt16) throws(FormatError) -> UInt64 {
        let value = try bytes(byteCount).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard (value == 0) == (version == 1) else { throw .invalidField(structure, field: "nonce") }
        return value
    }

    /// Throws unless every byte was read.
    public func finish() throws(FormatError) {
        if remaining > 0 { throw .trailingBytes(structure, count: UInt64(remaining)) }
    }
}
