internal import KuraIO

/// The header of an image of VirtualBox.
struct VDIHeader {
    let diskByteCount: UInt64

    init(_ file: ImageFile) throws(KuraError) {
        let header = try file.bytes(at: 0, 0x1c8)
        guard header.little(0x40, as: UInt32.self) == 0xbeda_107f else {
            throw file.refused(.notOfFormat)
        }
        let version: UInt32 = header.little(0x44)
        guard version == 0x0001_0001 else {
            throw file.refused(.unsupported("version \(version >> 16).\(version & 0xffff)"))
        }
        // Grows as it is written to, or has all its blocks; the others go with a base.
        let kind: UInt32 = header.little(0x4c)
        guard 1...2 ~= kind, header.isZero(0x1a8, 16), header.isZero(0x1b8, 16) else {
            throw file.refused(.unsupported("it holds only what differs from another image"))
        }
        let byteCount: UInt64 = header.little(0x170)
        guard byteCount <= UInt64(Int64.max) else {
            throw file.malformed("a disk of \(byteCount) bytes")
        }
        let (block, blocks): (UInt32, UInt32) = (header.little(0x178), header.little(0x180))
        let (map, data): (UInt32, UInt32) = (header.little(0x154), header.little(0x158))
        // The start of the last block: a program need not write all of it.
        let written = UInt64(header.little(0x184, as: UInt32.self))
        let last = UInt64(data) + (written - min(written, 1)) * UInt64(block)
        guard UInt64(map) + UInt64(blocks) * 4 <= file.byteCount,
            written == 0 || last < file.byteCount
        else { throw file.malformed("it ends early") }
        diskByteCount = byteCount
    }
}
