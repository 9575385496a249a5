internal import KuraIO

/// The header of a qcow2 image: qemu.org, docs/interop/qcow2.txt.
struct QCOW2Header {
    private(set) var facts = ImageFacts()
    private let file: ImageFile

    private enum Feature {
        static let corrupt: UInt64 = 1 << 1
        static let externalData: UInt64 = 1 << 2
        /// Unclean, corrupt, external data, kind of compression, parts of clusters.
        static let known: UInt64 = 0b11111
    }

    private enum Extension {
        static let end: UInt32 = 0
        static let baseFormat: UInt32 = 0xe279_2aca
        static let encryption: UInt32 = 0x0537_be77
        static let externalData: UInt32 = 0x4441_5441
    }

    private static let nameBytesMax = 1023
    private static let extensionsMax = 64
    /// As long as QEMU allows.
    private static let tableBytesMax: UInt64 = 8 << 20
    /// As many as QEMU allows.
    private static let snapshotsMax = 65536
    /// More are not named.
    private static let snapshotsNamed = 1000

    init(_ file: ImageFile) throws(KuraError) {
        self.file = file
        let start = try file.bytes(at: 0, 72)
        guard start.big(0, as: UInt32.self) == 0x5146_49fb, 2...3 ~= start.big(4, as: UInt32.self)
        else { throw file.refused(.notOfFormat) }
        let hasFeatures = start.big(4, as: UInt32.self) == 3
        let header = hasFeatures ? try file.bytes(at: 0, 104) : start
        let clusterBits: UInt32 = header.big(20)
        guard 9...21 ~= clusterBits else {
            throw file.malformed("clusters of 2^\(clusterBits) bytes")
        }
        let byteCount: UInt64 = header.big(24)
        guard byteCount <= UInt64(Int64.max) else {
            throw file.malformed("a disk of \(byteCount) bytes")
        }
        facts.byteCount = byteCount
        guard header.big(32, as: UInt32.self) == 0 else { throw file.refused(.encrypted) }
        let cluster = Int(min(UInt64(1) << clusterBits, file.byteCount))
        let first = try file.bytes(at: 0, cluster)
        let extensions = try readExtensions(
            first, hasFeatures ? Int(header.big(100, as: UInt32.self)) : 72)
        if hasFeatures { try check(header.big(72), extensions) }
        try requireWhole(header, clusterBits, countBits: hasFeatures ? header.big(96) : 4)
        facts.base = try base(header, in: first, extensions)
        facts.snapshots = try snapshots(
            at: header.big(64), count: Int(header.big(60, as: UInt32.self)))
    }

    /// The file goes as far as its clusters are counted. QEMU reads what was cut off as zeros.
    private func requireWhole(
        _ header: HeaderBytes, _ clusterBits: UInt32, countBits: UInt32
    ) throws(KuraError) {
        let cluster = UInt64(1) << clusterBits
        let tableBytes = UInt64(header.big(56, as: UInt32.self)) * cluster
        guard tableBytes <= Self.tableBytesMax, countBits <= 6 else {
            throw file.malformed("its table of counts")
        }
        let table = try file.bytes(at: header.big(48), Int(tableBytes))
        // Ascending: the last block of counts is that of the last clusters.
        let last = stride(from: 0, to: table.bytes.count, by: 8).reversed()
            .first { table.big($0, as: UInt64.self) & ~511 != 0 }
        guard let last else { return }
        let block = try file.bytes(at: table.big(last, as: UInt64.self) & ~511, Int(cluster))
        guard let byte = block.bytes.lastIndex(where: { $0 != 0 }) else { return }
        let number = UInt64(last / 8) * (cluster * 8 >> countBits) + UInt64(byte * 8) >> countBits
        let (start, overflow) = number.multipliedReportingOverflow(by: cluster)
        guard !overflow, start < file.byteCount else { throw file.malformed("it ends early") }
    }

    private func check(
        _ features: UInt64, _ extensions: [UInt32: [UInt8]]
    ) throws(KuraError) {
        if features & Feature.externalData != 0 {
            let name = extensions[Extension.externalData].map {
                String(decoding: $0, as: UTF8.self)
            }
            throw file.refused(.externalData(name ?? "one that is not named"))
        }
        guard features & ~Feature.known == 0 else {
            throw file.refused(.unsupported("features \(String(features, radix: 2))"))
        }
        guard features & Feature.corrupt == 0 else {
            throw file.malformed("a program has marked it as damaged")
        }
    }

    /// What stands behind the header, by kind.
    private func readExtensions(
        _ first: HeaderBytes, _ start: Int
    ) throws(KuraError) -> [UInt32: [UInt8]] {
        guard 72...first.bytes.count ~= start else { throw file.malformed("its header's length") }
        var found: [UInt32: [UInt8]] = [:]
        var offset = start
        for _ in 0..<Self.extensionsMax {
            let kind: UInt32 = first.big(offset)
            let count = Int(first.big(offset + 4, as: UInt32.self))
            guard kind != Extension.end, offset + 8 <= first.bytes.count else { break }
            guard count <= first.bytes.count - offset - 8 else {
                throw file.malformed("a part of its header ends outside of it")
            }
            found[kind] = first.part(offset + 8, count)
            offset += 8 + (count + 7) / 8 * 8
        }
        if found[Extension.encryption] != nil { throw file.refused(.encrypted) }
        if let name = found[Extension.externalData] {
            throw file.refused(.externalData(String(decoding: name, as: UTF8.self)))
        }
        return found
    }

    private func base(
        _ header: HeaderBytes, in first: HeaderBytes, _ extensions: [UInt32: [UInt8]]
    ) throws(KuraError) -> ImageFacts.Base? {
        let (offset, count): (UInt64, UInt32) = (header.big(8), header.big(16))
        guard offset != 0, count != 0 else { return nil }
        guard count <= Self.nameBytesMax, offset <= UInt64(first.bytes.count),
            Int(count) <= first.bytes.count - Int(offset)
        else { throw file.malformed("the name of its base") }
        let name = first.text(Int(offset), Int(count))
        guard !name.isEmpty else { throw file.malformed("the name of its base") }
        var format: DiskFormat?
        if let bytes = extensions[Extension.baseFormat] {
            // The names of QEMU's drivers; a protocol says that it is raw.
            let driver = String(decoding: bytes, as: UTF8.self)
            let known = ["vpc": "vhd", "file": "raw", "host_device": "raw"][driver] ?? driver
            guard let found = DiskFormat(rawValue: known) else {
                throw file.refused(.unsupported("a base of format \(driver)"))
            }
            format = found
        }
        return ImageFacts.Base(name: name, format: format)
    }

    private func snapshots(at start: UInt64, count: Int) throws(KuraError) -> [String] {
        guard count <= Self.snapshotsMax else { throw file.malformed("\(count) snapshots") }
        var names: [String] = []
        var offset = start
        for _ in 0..<min(count, Self.snapshotsNamed) {
            let entry = try file.bytes(at: offset, 40)
            let (id, name): (UInt16, UInt16) = (entry.big(12), entry.big(14))
            let extra: UInt32 = entry.big(36)
            guard extra <= 1024 else { throw file.malformed("its list of snapshots") }
            let texts = UInt64(id) + UInt64(name)
            let text = try file.bytes(at: offset + 40 + UInt64(extra), Int(texts))
            names.append(text.text(Int(id), Int(name)))
            offset += (40 + UInt64(extra) + texts + 7) / 8 * 8
        }
        return names
    }
}
