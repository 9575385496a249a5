internal import KuraIO

/// Footer and header of a VHD: Microsoft, "Virtual Hard Disk Image Format Specification", 1.0.
struct VHDHeader {
    enum Kind: UInt32 {
        case fixed = 2
        case dynamic, differencing
    }

    let kind: Kind
    /// Bytes of the disk in it.
    let diskByteCount: UInt64
    let identity: [UInt8]
    /// Nil for one of fixed size.
    let table: Table?

    /// Where the blocks of a disk are that is not of fixed size.
    struct Table {
        var offset: UInt64
        var blockByteCount: UInt64
        var entryCount: Int
        /// Of the base; zeros where there is none.
        var baseIdentity: [UInt8]
        var baseName: String
    }

    static let footerByteCount = 512
    private static let none = UInt64.max
    /// 64 MiB of table: 32 TiB in the usual blocks of 2 MiB.
    private static let entriesMax: UInt64 = 1 << 24

    /// The footer at the end counts. A copy of it at the start tells nothing: of a disk of fixed
    /// size those are the guest's bytes.
    init(_ file: ImageFile) throws(KuraError) {
        // Old programs wrote a byte less.
        var found: (bytes: HeaderBytes, byteCount: UInt64)?
        for count in [Self.footerByteCount, Self.footerByteCount - 1] where found == nil {
            guard file.byteCount >= UInt64(count) else { continue }
            let bytes = try file.bytes(at: file.byteCount - UInt64(count), count)
            if bytes.has("conectix", at: 0) { found = (bytes, UInt64(count)) }
        }
        guard let (footer, footerByteCount) = found else {
            throw file.malformed("its footer is not at its end: it was cut off, or written to")
        }
        try Self.check(footer, "footer", sumAt: 64, of: file)
        guard footer.big(12, as: UInt32.self) == 0x0001_0000 else {
            throw file.refused(
                .unsupported("version \(String(footer.big(12, as: UInt32.self), radix: 16))"))
        }
        let number: UInt32 = footer.big(60)
        guard let kind = Kind(rawValue: number) else {
            throw file.refused(.unsupported("type \(number)"))
        }
        let byteCount: UInt64 = footer.big(48)
        guard byteCount > 0, byteCount % 512 == 0, byteCount <= UInt64(Int64.max) else {
            throw file.malformed("a disk of \(byteCount) bytes")
        }
        self.kind = kind
        diskByteCount = byteCount
        identity = footer.part(68, 16)
        if kind == .fixed {
            guard byteCount == file.byteCount - footerByteCount else {
                throw file.malformed(
                    "its footer says \(byteCount) bytes, and \(file.byteCount - footerByteCount) "
                        + "are before it")
            }
            table = nil
        } else {
            table = try Self.table(
                at: footer.big(16), of: byteCount, isDifference: kind == .differencing, file)
        }
    }

    var facts: ImageFacts {
        var facts = ImageFacts()
        facts.byteCount = diskByteCount
        if kind == .differencing, let table {
            facts.base = ImageFacts.Base(name: table.baseName, format: .vhd)
        }
        return facts
    }

    private static func table(
        at start: UInt64, of byteCount: UInt64, isDifference: Bool, _ file: ImageFile
    ) throws(KuraError) -> Table {
        let header = try file.bytes(at: start, 1024)
        guard header.has("cxsparse", at: 0) else { throw file.malformed("its second header") }
        try check(header, "second header", sumAt: 36, of: file)
        let block: UInt32 = header.big(32)
        guard block.nonzeroBitCount == 1, (1 << 12)...(1 << 28) ~= block else {
            throw file.malformed("blocks of \(block) bytes")
        }
        let needed = (byteCount + UInt64(block) - 1) / UInt64(block)
        let offset: UInt64 = header.big(16)
        guard needed <= UInt64(header.big(28, as: UInt32.self)), needed <= entriesMax,
            offset <= file.byteCount, needed * 4 <= file.byteCount - offset
        else { throw file.malformed("a table that is too short for \(byteCount) bytes") }
        let units = header.part(64, 512)
        let name = stride(from: 0, to: units.count - 1, by: 2)
            .map { UInt16(units[$0]) << 8 | UInt16(units[$0 + 1]) }.prefix { $0 != 0 }
        return Table(
            offset: offset, blockByteCount: UInt64(block), entryCount: Int(needed),
            baseIdentity: isDifference ? header.part(40, 16) : [UInt8](repeating: 0, count: 16),
            baseName: String(decoding: name, as: UTF16.self))
    }

    /// The sum of all bytes but the sum itself, inverted.
    private static func check(
        _ structure: HeaderBytes, _ name: String, sumAt place: Int, of file: ImageFile
    ) throws(KuraError) {
        var sum: UInt32 = 0
        for (index, byte) in structure.bytes.enumerated()
        where !(place..<(place + 4)).contains(index) {
            sum &+= UInt32(byte)
        }
        guard ~sum == structure.big(place, as: UInt32.self) else {
            throw file.malformed("the checksum of its \(name) is wrong")
        }
    }
}
