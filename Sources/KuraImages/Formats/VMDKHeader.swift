internal import KuraIO

/// Header and description of a VMDK in one file: VMware, "Virtual Disk Format 5.0".
///
/// The description is a text that names files, and programs follow it. So it must name this file
/// alone.
struct VMDKHeader {
    let diskByteCount: UInt64

    private static let sectorBytes: UInt64 = 512
    /// Where programs look for the description, whatever the header says.
    private static let descriptionOffset: UInt64 = 512
    /// What QEMU reads of it.
    private static let descriptionBytesMin: UInt64 = 20 * 512
    private static let descriptionBytesMax: UInt64 = 64 << 10
    private static let kinds: Set<String> = ["monolithicSparse", "streamOptimized"]

    init(_ file: ImageFile) throws(KuraError) {
        let header = try file.bytes(at: 0, min(512, Int(clamping: file.byteCount)))
        guard header.has("KDMV", at: 0) else {
            if header.has("COWD", at: 0) {
                throw file.refused(.unsupported("a part of a disk of ESX"))
            }
            guard header.has("# Disk DescriptorFile", at: 0) else {
                throw file.refused(.notOfFormat)
            }
            let text = try file.source.bytes(
                at: 0, Int(min(file.byteCount, Self.descriptionBytesMax)))
            let names = Description(text).extents.map(\.name)
            throw file.refused(.otherFiles(names.isEmpty ? ["none is named"] : names))
        }
        let version: UInt32 = header.little(4)
        guard 1...3 ~= version else { throw file.refused(.unsupported("version \(version)")) }
        let (sectors, place): (UInt64, UInt64) = (header.little(12), header.little(28))
        // Programs take one without a size for a mere description of other files.
        guard 1...(UInt64(Int64.max) / Self.sectorBytes) ~= sectors else {
            throw file.malformed("a disk of \(sectors) sectors")
        }
        guard place == 1 else {
            throw place == 0
                ? file.refused(
                    .otherFiles(["it is one part of several, without their description"]))
                : file.malformed("its description is not where it must be")
        }
        let said = header.little(36, as: UInt64.self).multipliedReportingOverflow(
            by: Self.sectorBytes)
        guard !said.overflow, said.partialValue <= Self.descriptionBytesMax else {
            throw file.malformed("a description of a wrong length")
        }
        let wanted = max(said.partialValue, Self.descriptionBytesMin)
        let there = file.byteCount - min(file.byteCount, Self.descriptionOffset)
        let bytes = try file.bytes(at: Self.descriptionOffset, Int(min(wanted, there)))
        try Self.check(Description(bytes.bytes), file)
        diskByteCount = sectors * Self.sectorBytes
        try Self.requireWhole(header, sectors, of: file)
    }

    private static let tableAtEnd = UInt64.max
    /// 32 TiB in the usual grains.
    private static let tablesMax: UInt64 = 1 << 20

    /// The file goes as far as its tables say. QEMU reads what was cut off as zeros.
    private static func requireWhole(
        _ header: HeaderBytes, _ sectors: UInt64, of file: ImageFile
    ) throws(KuraError) {
        let (grain, place): (UInt64, UInt64) = (header.little(20), header.little(56))
        // One that was written as a stream has its table at its end: it is there or it is not.
        guard place != tableAtEnd else { return }
        let entries = UInt64(header.little(44, as: UInt32.self))
        guard 1...512 ~= entries, 1...(1 << 20) ~= grain else {
            throw file.malformed("its tables")
        }
        let tables = (sectors + grain * entries - 1) / (grain * entries)
        let (start, overflow) = place.multipliedReportingOverflow(by: sectorBytes)
        guard !overflow, tables <= tablesMax else { throw file.malformed("its tables") }
        let directory = try file.bytes(at: start, Int(tables) * 4)
        for index in 0..<Int(tables) {
            let table = UInt64(directory.little(index * 4, as: UInt32.self))
            guard table != 0 else { continue }
            let bytes = try file.bytes(at: table * sectorBytes, Int(entries) * 4)
            for entry in 0..<Int(entries) {
                let sector = UInt64(bytes.little(entry * 4, as: UInt32.self))
                guard sector * sectorBytes < file.byteCount else {
                    throw file.malformed("it ends early")
                }
            }
        }
    }

    private static func check(_ text: Description, _ file: ImageFile) throws(KuraError) {
        if text.isEncrypted { throw file.refused(.encrypted) }
        if let base = text.base {
            throw file.refused(.unsupported("it holds only what differs from \(base)"))
        }
        let names = text.extents.map(\.name)
        guard names.count == 1 else { throw file.refused(.otherFiles(names)) }
        guard let kind = text.kind, kinds.contains(kind), text.extents[0].kind == "SPARSE" else {
            throw file.refused(.unsupported(text.kind ?? "it does not say which"))
        }
        // The file may have been renamed, but a path leads elsewhere.
        guard !names[0].contains(where: { "/\\:".contains($0) }) else {
            throw file.refused(.otherFiles(names))
        }
    }

    /// The text that describes a disk.
    private struct Description {
        var kind: String?
        var base: String?
        var isEncrypted = false
        var extents: [(kind: String, name: String)] = []

        init(_ bytes: [UInt8]) {
            let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            // Programs find it anywhere in the text, not only where a line begins.
            let mark = "parentFileNameHint"
            if let found = text.utf8.firstRange(of: Array(mark.utf8)) {
                let rest = text[found.upperBound...].prefix { !$0.isNewline }
                base = rest.split(separator: "\"").dropFirst().first.map(String.init) ?? "another"
            }
            isEncrypted = text.contains("encryption.")
            for line in text.split(whereSeparator: \.isNewline) {
                let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
                guard let first = words.first else { continue }
                if ["RW", "RDONLY", "NOACCESS"].contains(first) {
                    let name = line.split(separator: "\"", omittingEmptySubsequences: false)
                    extents.append(
                        (
                            words.count > 2 ? String(words[2]) : "",
                            name.count > 1 ? String(name[1]) : String(line.prefix(80))
                        ))
                } else if first.hasPrefix("createType") {
                    kind = line.split(separator: "\"").dropFirst().first.map(String.init)
                }
            }
        }
    }
}
