public import KuraIO

/// The disk in an image, or each in an archive of several.
public struct DiskImage: Sendable {
    /// Nil where the image has one disk.
    public var member: String?
    public var source: any DiskSource
    /// What keeps the program that reads it from doing harm is less than it could be, in words.
    public var weaknesses: [String]

    /// Opens an image. Before any other program sees it, its headers are looked at: what would lead
    /// to files that are not named here, and what cannot be read, is refused.
    /// - Parameters:
    ///   - format: what it must be; its bytes must show it.
    ///   - bases: the images that it continues, the nearest first; all of them.
    public static func open(
        _ file: FileSource, _ format: ImageFormat, bases: [FileSource] = [],
        terms: ImageTerms = ImageTerms()
    ) throws(KuraError) -> [DiskImage] {
        guard try file.imageFormat() == format else {
            throw KuraError(refusing: file.name, format, .notOfFormat)
        }
        let facts = try ImageFacts(of: file, format)
        if let snapshot = terms.snapshot {
            guard format == .qcow2, facts.snapshots.contains(snapshot) else {
                throw KuraError(
                    refusing: file.name, format,
                    .noSnapshot(snapshot, known: facts.snapshots))
            }
        }
        try requireStill([file] + bases)
        switch format {
        case .vhd: return [DiskImage(source: try VHDImage.open(file, bases: bases))]
        case .ova: return try members(of: file, bases: bases, terms)
        case .qcow2:
            let graph = try Chain(file, facts, bases: bases).graph
            let options = terms.snapshot.map { ["--load-snapshot=snapshot.name=\(escaped($0))"] }
            return [
                DiskImage(
                    served: try ServedSource(
                        graph, options: options ?? [], files: [file] + bases, name: file.name,
                        terms))
            ]
        case .vhdx, .vmdk, .vdi:
            guard let kind = DiskFormat(format) else { return [] }
            if let base = bases.first {
                throw KuraError(refusing: file.name, format, .hasNoBase(given: base.name))
            }
            let graph = BlockNode.image(
                kind, .file(0, isDevice: file.isBlockDevice), on: nil)
            return [
                DiskImage(
                    served: try ServedSource(graph, files: [file], name: file.name, terms))
            ]
        case .qcow, .qed, .gzip, .xz, .zstd, .bzip2, .lz4:
            throw KuraError(refusing: file.name, format, .unsupported("the format itself"))
        }
    }

    private init(source: any DiskSource) {
        self.source = source
        weaknesses = []
    }

    private init(member: String? = nil, served: ServedSource) {
        self.member = member
        source = served
        weaknesses = served.weaknesses
    }

    /// A machine that runs changes the tables of its image while they are read.
    private static func requireStill(_ files: [FileSource]) throws(KuraError) {
        guard let file = files.first(where: { $0.isWrittenByMachine() }) else { return }
        throw KuraError(
            .refused,
            "a running machine (QEMU) writes to \(file.name), and an image that changes cannot be "
                + "read",
            remedy: .advice("shut the machine down, or back up a snapshot of the disk"))
    }

    private static func members(
        of file: FileSource, bases: [FileSource], _ terms: ImageTerms
    ) throws(KuraError) -> [DiskImage] {
        if let base = bases.first {
            throw KuraError(refusing: file.name, .ova, .hasNoBase(given: base.name))
        }
        var disks: [DiskImage] = []
        for member in try OVADirectory(ImageFile(file, .ova)).disks {
            let name = "\(file.name): \(member.name)"
            let slice = SliceSource(file, member.range, name: name)
            guard try slice.imageFormat() == .vmdk else {
                throw KuraError(refusing: name, .vmdk, .notOfFormat)
            }
            _ = try ImageFacts(of: slice, .vmdk)
            let graph = BlockNode.image(
                .vmdk, .slice(member.range, of: .file(0, isDevice: file.isBlockDevice)), on: nil)
            disks.append(
                DiskImage(
                    member: member.name,
                    served: try ServedSource(graph, files: [file], name: name, terms)))
        }
        return disks
    }

    /// A value in an option of QEMU, where a comma ends it unless there are two.
    private static func escaped(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
    }
}

/// A qcow2 image and its bases, each of which must be named both by the image before it and by the
/// user.
private struct Chain {
    let graph: BlockNode

    init(
        _ file: FileSource, _ facts: ImageFacts, bases: [FileSource]
    ) throws(KuraError) {
        let files = [file] + bases
        var kinds = [DiskFormat.qcow2]
        var (above, needed) = (file, facts.base)
        for base in bases {
            let format = kinds[kinds.count - 1].image ?? .qcow2
            guard let named = needed else {
                throw KuraError(refusing: above.name, format, .hasNoBase(given: base.name))
            }
            guard Self.lastName(named.name) == Self.lastName(base.name) else {
                throw KuraError(
                    refusing: above.name, format,
                    .otherBase(named: named.name, given: base.name))
            }
            let kind = try Self.kind(of: base, named)
            kinds.append(kind)
            needed =
                try kind.image.map { format throws(KuraError) in
                    try ImageFacts(of: base, format).base
                } ?? nil
            above = base
        }
        if let needed {
            let format = kinds[kinds.count - 1].image ?? .qcow2
            throw KuraError(refusing: above.name, format, .needsBase(needed.name))
        }
        var below: BlockNode?
        for index in files.indices.reversed() {
            below = .image(
                kinds[index], .file(index, isDevice: files[index].isBlockDevice), on: below)
        }
        graph = below ?? .file(0, isDevice: false)
    }

    /// What the image above says that a base is counts: what looks like a header in a raw disk, its
    /// guest may have written.
    private static func kind(
        of base: FileSource, _ named: ImageFacts.Base
    ) throws(KuraError) -> DiskFormat {
        let found = try base.imageFormat()
        guard let said = named.format else { return found.flatMap { DiskFormat($0) } ?? .raw }
        guard said == .raw || said.image == found else {
            throw KuraError(refusing: base.name, said.image ?? .qcow2, .notOfFormat)
        }
        guard [.raw, .qcow2].contains(said) else {
            throw KuraError(
                refusing: base.name, said.image ?? .qcow2, .unsupported("as the base of a qcow2"))
        }
        return said
    }

    private static func lastName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
