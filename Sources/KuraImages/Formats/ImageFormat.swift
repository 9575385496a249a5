public import KuraIO

/// What a file may be instead of the bytes of a disk: a disk in a container of its own, or a
/// compressed file. Told by what the file's first or last bytes say.
public enum ImageFormat: String, Sendable, CaseIterable {
    case qcow2, qcow, qed, vhd, vhdx, vmdk, vdi, ova
    case gzip, xz, zstd, bzip2, lz4

    /// How many bytes of a file's start are looked at, at most.
    public static let headByteCount = 512
    /// How many bytes of a file's end are looked at, at most.
    public static let tailByteCount = 512

    /// Whether it is a compressed file, of whatever.
    public var isCompression: Bool {
        switch self {
        case .qcow2, .qcow, .qed, .vhd, .vhdx, .vmdk, .vdi, .ova: false
        case .gzip, .xz, .zstd, .bzip2, .lz4: true
        }
    }

    /// The format of a file with these bytes; nil where nothing tells of one.
    ///
    /// Only marks count that every file of the format must have. The bytes of a disk may have them,
    /// too: a guest can write anything to its disk.
    /// - Parameters:
    ///   - head: the first `headByteCount` bytes, or all where there are fewer.
    ///   - tail: the last `tailByteCount` bytes, likewise; empty where they are not known, as of a
    ///     stream. Only a VHD of fixed size needs them.
    public init?(head: [UInt8], tail: [UInt8]) {
        if let found = Self.format(head) {
            self = found
        } else if Self.isVHDFooter(tail[...]) || Self.isVHDFooter(tail.dropFirst()) {
            // Old ones are a byte shorter.
            self = .vhd
        } else {
            return nil
        }
    }

    private static func format(_ head: [UInt8]) -> ImageFormat? {
        // The version is a number of 32 bits, most significant byte first.
        if head.starts(with: [0x51, 0x46, 0x49, 0xfb, 0, 0, 0]), head.count > 7 {
            switch head[7] {
            case 1: return .qcow
            case 2, 3: return .qcow2
            default: break
            }
        }
        if isVHDFooter(head[...]) { return .vhd }
        // A text of any wording comes first.
        if head.count >= 0x44, Array(head[0x40..<0x44]) == [0x7f, 0x10, 0xda, 0xbe] { return .vdi }
        if isOVA(head) { return .ova }
        return marks.first { head.starts(with: $0.bytes) }?.format
    }

    private static let marks: [(format: ImageFormat, bytes: [UInt8])] =
        [
            (.qed, Array("QED\0".utf8)),
            (.vhdx, Array("vhdxfile".utf8)),
            (.vmdk, Array("KDMV".utf8) + [1, 0, 0, 0]),
            (.vmdk, Array("KDMV".utf8) + [2, 0, 0, 0]),
            (.vmdk, Array("KDMV".utf8) + [3, 0, 0, 0]),
            (.vmdk, Array("COWD".utf8) + [1, 0, 0, 0]),
            (.vmdk, Array("# Disk DescriptorFile".utf8)),
            // Deflate is the only method that there is.
            (.gzip, [0x1f, 0x8b, 8]),
            (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
            (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
            (.lz4, [0x04, 0x22, 0x4d, 0x18]),
        ]
        + (UInt8(ascii: "1")...UInt8(ascii: "9")).map { level in
            (.bzip2, Array("BZh".utf8) + [level, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
        }

    /// A tar archive whose first file is a description of a machine, as the standard has it.
    private static func isOVA(_ head: [UInt8]) -> Bool {
        guard head.count >= 262, Array(head[257..<262]) == Array("ustar".utf8) else { return false }
        return head[..<100].prefix { $0 != 0 }.suffix(4).elementsEqual(".ovf".utf8)
    }

    /// "conectix", 4 bytes of features, version 1.0.
    private static func isVHDFooter(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count >= 511 && bytes.starts(with: Array("conectix".utf8))
            && bytes.dropFirst(12).starts(with: [0, 1, 0, 0])
    }
}

extension DiskSource {
    /// What the bytes say that it is; nil for a raw disk, as far as they tell. Reads little of a
    /// disk whose size is known, and of a stream its first bytes, which come again.
    public func imageFormat() throws(KuraError) -> ImageFormat? {
        let head = try firstBytes(ImageFormat.headByteCount)
        var tail: [UInt8] = []
        if let byteCount = knownByteCount {
            let start = byteCount - min(byteCount, UInt64(ImageFormat.tailByteCount))
            tail = try bytes(at: start, ImageFormat.tailByteCount)
        }
        return ImageFormat(head: head, tail: tail)
    }
}
