public import KuraIO
internal import KuraNBD

/// A disk that is written as a VHD of fixed size: its bytes, zeros up to a whole MiB, as Azure
/// wants it, and a footer.
public final class FixedVHDSink: DiskSink {
    public let byteCount: UInt64
    private let file: any DiskSink
    private let created: Int64

    private static let unitBytes: UInt64 = 1 << 20

    /// Size of the disk in the image, for a disk of `byteCount` bytes.
    public static func diskByteCount(for byteCount: UInt64) -> UInt64 {
        (byteCount + unitBytes - 1) / unitBytes * unitBytes
    }

    /// Size of the file for a disk of `byteCount` bytes.
    public static func fileByteCount(for byteCount: UInt64) -> UInt64 {
        diskByteCount(for: byteCount) + UInt64(VHDHeader.footerByteCount)
    }

    /// - Parameters:
    ///   - file: of `fileByteCount(for: byteCount)` bytes.
    ///   - byteCount: of the disk.
    ///   - created: when the image says that it was made, in nanoseconds since 1970.
    public init(_ file: any DiskSink, byteCount: UInt64, created: Int64) {
        self.file = file
        self.byteCount = byteCount
        self.created = created
    }

    public var name: String { file.name }
    public var access: DiskAccess { file.access }
    public var startsAsZeros: Bool { file.startsAsZeros }
    public func startWriteback(_ range: Range<UInt64>) { file.startWriteback(range) }
    public func abandon() { file.abandon() }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        try file.write(at: offset, bytes)
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) { try file.zero(range) }

    public func finish() throws(KuraError) {
        let end = Self.diskByteCount(for: byteCount)
        if byteCount < end, !file.startsAsZeros { try file.zero(byteCount..<end) }
        let footer = VHDFooter(diskByteCount: end, created: created).bytes
        let buffer = AlignedBuffer(byteCount: footer.count)
        buffer.bytes.copyBytes(from: footer)
        try file.write(at: end, UnsafeRawBufferPointer(buffer.bytes))
        try file.finish()
    }
}

/// The footer of a VHD of fixed size.
struct VHDFooter {
    let bytes: [UInt8]

    private static let secondsTo2000: Int64 = 946_684_800

    init(diskByteCount: UInt64, created: Int64) {
        var footer: [UInt8] = []
        footer += Array("conectix".utf8)
        footer.put(UInt32(2))
        footer.put(UInt32(0x0001_0000))
        // Nothing follows the footer.
        footer.put(UInt64.max)
        footer.put(UInt32(clamping: created / 1_000_000_000 - Self.secondsTo2000))
        // Of the programs that write VHDs, this one has the size of the disk believed. With others,
        // readers count cylinders, and lose the end of the disk.
        footer += Array("win ".utf8)
        footer.put(UInt32(0x000a_0000))
        footer += Array("Wi2k".utf8)
        footer.put(diskByteCount)
        footer.put(diskByteCount)
        let geometry = DiskGeometry(sectors: diskByteCount / 512)
        footer.put(geometry.cylinders)
        footer.put(geometry.heads)
        footer.put(geometry.sectors)
        footer.put(VHDHeader.Kind.fixed.rawValue)
        let sumPlace = footer.count
        footer.put(UInt32(0))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<16 { footer.append(UInt8.random(in: 0...255, using: &generator)) }
        footer += [UInt8](repeating: 0, count: VHDHeader.footerByteCount - footer.count)
        let sum = ~footer.reduce(UInt32(0)) { $0 &+ UInt32($1) }
        for index in 0..<4 {
            footer[sumPlace + index] = UInt8(truncatingIfNeeded: sum >> (24 - UInt32(index) * 8))
        }
        bytes = footer
    }
}

/// Cylinders, heads and sectors, as the specification of VHD counts them.
private struct DiskGeometry {
    let cylinders: UInt16
    let heads: UInt8
    let sectors: UInt8

    init(sectors all: UInt64) {
        let total = min(all, 65535 * 16 * 255)
        var (sectorsPerTrack, heads): (UInt64, UInt64)
        if total >= 65535 * 16 * 63 {
            (sectorsPerTrack, heads) = (255, 16)
        } else {
            (sectorsPerTrack, heads) = (17, max(4, (total / 17 + 1023) / 1024))
            if total / 17 >= heads * 1024 || heads > 16 { (sectorsPerTrack, heads) = (31, 16) }
            if total / sectorsPerTrack >= heads * 1024 { (sectorsPerTrack, heads) = (63, 16) }
        }
        cylinders = UInt16(clamping: total / sectorsPerTrack / heads)
        self.heads = UInt8(heads)
        self.sectors = UInt8(sectorsPerTrack)
    }
}
