internal import KuraIO

/// What a VHDX says of itself: Microsoft, [MS-VHDX].
struct VHDXHeader {
    let diskByteCount: UInt64

    private static let regionTableOffset: UInt64 = 192 << 10
    private static let tableByteCount = 64 << 10
    /// Of each item that is looked at.
    private static let itemByteCount = 8

    // As they are in the file.
    private static let metadataRegion: [UInt8] = [
        0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88,
        0x6e,
    ]
    private static let fileParameters: [UInt8] = [
        0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7,
        0x6b,
    ]
    private static let diskSize: [UInt8] = [
        0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4,
        0xb8,
    ]

    init(_ file: ImageFile) throws(KuraError) {
        guard try file.bytes(at: 0, 8).has("vhdxfile", at: 0) else {
            throw file.refused(.notOfFormat)
        }
        let regions = try file.bytes(at: Self.regionTableOffset, Self.tableByteCount)
        let count = Int(regions.little(8, as: UInt32.self))
        guard regions.has("regi", at: 0), count <= 2047 else {
            throw file.malformed("its table of regions")
        }
        let region = (0..<count).map { 16 + $0 * 32 }
            .first { regions.part($0, 16) == Self.metadataRegion }
        guard let region else { throw file.malformed("it has no metadata") }
        let start: UInt64 = regions.little(region + 16)
        let table = try file.bytes(at: start, Self.tableByteCount)
        guard table.has("metadata", at: 0) else { throw file.malformed("its metadata") }
        guard let parameters = try Self.item(Self.fileParameters, in: table, at: start, of: file),
            let size = try Self.item(Self.diskSize, in: table, at: start, of: file)
        else { throw file.malformed("its metadata says no size") }
        guard parameters.little(4, as: UInt32.self) & 2 == 0 else {
            throw file.refused(.unsupported("it holds only what differs from another image"))
        }
        diskByteCount = size.little(0)
        guard diskByteCount <= UInt64(Int64.max) else {
            throw file.malformed("a disk of \(diskByteCount) bytes")
        }
    }

    /// The value of an item of the metadata; nil where there is none.
    private static func item(
        _ name: [UInt8], in table: HeaderBytes, at start: UInt64, of file: ImageFile
    ) throws(KuraError) -> HeaderBytes? {
        let count = Int(table.little(10, as: UInt16.self))
        guard count <= 2047 else { throw file.malformed("its metadata") }
        let entry = (0..<count).map { 32 + $0 * 32 }.first { table.part($0, 16) == name }
        guard let entry else { return nil }
        let (offset, overflow) = start.addingReportingOverflow(
            UInt64(table.little(entry + 16, as: UInt32.self)))
        guard !overflow, table.little(entry + 20, as: UInt32.self) >= itemByteCount else {
            throw file.malformed("its metadata")
        }
        return try file.bytes(at: offset, itemByteCount)
    }
}
