internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import Synchronization
internal import SystemPackage

/// Where the frames of a pack are: what reading a chunk needs of its trailer.
final class FrameTable: Sendable {
    struct Frame: Sendable {
        var offset: UInt64
        var entry: FrameEntry
    }

    let frames: [Frame]

    init(_ trailer: PackTrailer) {
        var offset = UInt64(PackHeader.byteCount)
        frames = trailer.frames.map { entry in
            defer { offset += UInt64(entry.storedByteCount) }
            return Frame(offset: offset, entry: entry)
        }
    }
}

/// Reads packs of a vault: trailers, and frames from whichever replica has a good copy.
final class PackReader: Sendable {
    let vault: Vault
    private let tables = Mutex<[PackID: FrameTable]>([:])
    /// About 3 KiB each; beyond this many they are dropped and read again.
    private static let tablesMax = 8192

    init(_ vault: Vault) { self.vault = vault }

    /// The frame table of a pack, from memory or from the first good copy of its trailer.
    func frameTable(_ id: PackID) throws(KuraError) -> FrameTable {
        if let table = tables.withLock({ $0[id] }) { return table }
        let trailer = try vault.firstGood(.pack(id)) { replica in
            try Self.trailer(id, vault, replica)
        }
        let table = FrameTable(trailer)
        tables.withLock { tables in
            if tables.count >= Self.tablesMax { tables.removeAll() }
            tables[id] = table
        }
        return table
    }

    /// Reads and checks the trailer of one copy of a pack, and the file's length with it.
    static func trailer(_ id: PackID, _ vault: Vault, _ replica: Replica) throws -> PackTrailer {
        let path = replica.path(of: .pack(id), in: vault.id)
        let fileSystem = vault.fileSystem
        let file = try fileSystem.openForReading(path)
        defer { fileSystem.close(file) }
        let size = try fileSystem.status(path).byteCount
        let raw = try TrailerReader.read(
            file, path, size: size, fileSystem, structure: .pack,
            max: Limits.packTrailerBytesMax, digest: id)
        let trailer = try raw.withUnsafeBytes { try PackTrailer(decoding: $0) }
        guard trailer.header.vault == vault.id else {
            throw FormatError.invalidField(.pack, field: "vault")
        }
        guard trailer.fileByteCount == size else {
            throw FormatError.truncated(.pack, needed: trailer.fileByteCount, available: size)
        }
        return trailer
    }

    /// The trailer of the first copy of a pack in which it is sound.
    static func trailer(_ id: PackID, _ vault: Vault) throws(KuraError) -> PackTrailer {
        try vault.firstGood(.pack(id)) { try trailer(id, vault, $0) }
    }

    /// Length of a pack's trailer as the first sound footer of a copy says it; no trailer is read.
    static func trailerByteCount(
        of pack: PackSummary, _ vault: Vault
    ) throws(KuraError) -> UInt64 {
        try vault.firstGood(.pack(pack.id)) { replica in
            let path = replica.path(of: .pack(pack.id), in: vault.id)
            let file = try vault.fileSystem.openForReading(path)
            defer { vault.fileSystem.close(file) }
            let footer = try TrailerReader.footer(
                file, path, size: pack.fileByteCount, vault.fileSystem, structure: .pack,
                max: Limits.packTrailerBytesMax, digest: pack.id)
            return footer.trailerByteCount
        }
    }

    /// Place and lengths of frame `number` of a pack.
    func frame(_ number: Int, of id: PackID) throws(KuraError) -> FrameTable.Frame {
        let table = try frameTable(id)
        guard number < table.frames.count else {
            throw KuraError(
                .damaged, "the index names frame \(number) of pack \(id.short), which has none",
                remedy: "run: kura verify --level chunks --repair")
        }
        return table.frames[number]
    }

    /// Reads a frame of a pack and decodes it into `target`, trying each replica. A target that is
    /// shorter than the frame's plain bytes gets the first of them.
    ///
    /// - Parameters:
    ///   - checked: whether the stored bytes are compared with their hash. Whoever checks every
    ///     chunk afterwards leaves it out at first, and asks again with it when one is wrong.
    ///   - target: undefined after an error.
    func read(
        _ frame: FrameTable.Frame, of id: PackID, _ decoder: FrameDecoder, checked: Bool,
        into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) {
        if !checked, decoder.file?.pack == id {
            do {
                return try decoder.read(frame, checked: false, into: target)
            } catch {
                // Looked for again, below, in every replica, and noted.
                decoder.file = nil
            }
        }
        try vault.firstGood(.pack(id)) { replica in
            decoder.file = nil
            decoder.file = try OpenPack(
                id, replica.path(of: .pack(id), in: vault.id), vault.fileSystem)
            try decoder.read(frame, checked: checked, into: target)
        }
    }
}

extension FrameEntry {
    /// Plain bytes that have to be decoded for the first `end` of them: whole blocks of zstd, which
    /// have 128 KiB (RFC 8878, 3.1.1.2.4).
    func decodedBytes(upTo end: Int) -> Int {
        guard codec == .zstd else { return end }
        let block = 128 << 10
        return min((end + block - 1) / block * block, Int(plainByteCount))
    }
}

/// Reads the footer and trailer that packs and index runs end with.
enum TrailerReader {
    /// - Parameter max: longest trailer that is believed.
    /// - Returns: the trailer's bytes, whose SHA-256 is `digest`.
    static func read(
        _ file: OpenFile, _ path: FilePath, size: UInt64, _ fileSystem: any FileSystem,
        structure: Structure, max: Int, digest: Digest
    ) throws -> [UInt8] {
        let footer = try footer(
            file, path, size: size, fileSystem, structure: structure, max: max, digest: digest)
        let end = size - UInt64(Footer.byteCount)
        // Bounded by the file's own size now, so the buffer cannot be larger than what is there.
        var trailer = [UInt8](repeating: 0, count: Int(footer.trailerByteCount))
        let count = try trailer.withUnsafeMutableBytes {
            try fileSystem.read(file, path, at: end - footer.trailerByteCount, into: $0)
        }
        guard count == trailer.count, ChunkHasher.digest(trailer) == digest else {
            throw FormatError.checksumMismatch(structure)
        }
        return trailer
    }

    /// The footer alone, whose trailer fits before it.
    static func footer(
        _ file: OpenFile, _ path: FilePath, size: UInt64, _ fileSystem: any FileSystem,
        structure: Structure, max: Int, digest: Digest
    ) throws -> Footer {
        guard size >= UInt64(Footer.byteCount) else {
            throw FormatError.truncated(
                structure, needed: UInt64(Footer.byteCount), available: size)
        }
        var tail = [UInt8](repeating: 0, count: Footer.byteCount)
        let footerOffset = size - UInt64(Footer.byteCount)
        _ = try tail.withUnsafeMutableBytes {
            try fileSystem.read(file, path, at: footerOffset, into: $0)
        }
        let footer = try tail.withUnsafeBytes { try Footer(decoding: $0, of: structure) }
        guard footer.trailerDigest == digest else { throw FormatError.checksumMismatch(structure) }
        guard footer.trailerByteCount <= UInt64(max) else {
            throw FormatError.invalidField(structure, field: "trailer length")
        }
        guard footer.trailerByteCount <= footerOffset else {
            throw FormatError.truncated(
                structure, needed: footer.trailerByteCount, available: footerOffset)
        }
        return footer
    }
}

/// Memory for one frame that grows to the largest it met.
final class FrameBuffer {
    private var buffer: AlignedBuffer?

    /// The first `count` bytes. What was there before is gone.
    func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let buffer = buffer.flatMap { $0.byteCount < count ? nil : $0 }
            ?? AlignedBuffer(byteCount: Self.capacity(count))
        self.buffer = buffer
        return UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
    }

    /// The next power of two, so that it seldom grows; 128 KiB are enough for any manifest frame.
    private static func capacity(_ count: Int) -> Int {
        max(128 << 10, 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount))
    }
}

/// A copy of a pack, open for reading.
final class OpenPack {
    let pack: PackID
    let path: FilePath
    let file: OpenFile
    let fileSystem: any FileSystem

    init(_ pack: PackID, _ path: FilePath, _ fileSystem: any FileSystem) throws(IOError) {
        self.pack = pack
        self.path = path
        self.fileSystem = fileSystem
        file = try fileSystem.openForReading(path)
    }

    deinit { fileSystem.close(file) }
}

/// Reads and decodes frames; one thread uses it at a time.
final class FrameDecoder {
    private let decompressor = Decompressor()
    private let stored = FrameBuffer()
    /// Stays open from one frame to the next: those of a pack are mostly wanted together.
    var file: OpenPack?

    /// Reads a frame of the open pack and decodes it: see `PackReader.read`.
    func read(
        _ frame: FrameTable.Frame, checked: Bool, into target: UnsafeMutableRawBufferPointer
    ) throws {
        guard let file else { preconditionFailure("a pack is open") }
        // Raw bytes are plain bytes: nothing to decode, so they are read into their place.
        let isRaw = frame.entry.codec == .raw && target.count == Int(frame.entry.storedByteCount)
        let bytes = try Self.read(
            file.file, file.path, frame, file.fileSystem,
            into: isRaw ? target : stored.bytes(Int(frame.entry.storedByteCount)))
        if checked { try Self.check(bytes, frame.entry) }
        if !isRaw { try decode(bytes, frame.entry, into: target) }
    }

    /// Reads a frame's stored bytes into `target`, which has as many.
    static func read(
        _ file: OpenFile, _ path: FilePath, _ frame: FrameTable.Frame,
        _ fileSystem: any FileSystem, into target: UnsafeMutableRawBufferPointer
    ) throws -> UnsafeRawBufferPointer {
        let found = try fileSystem.read(file, path, at: frame.offset, into: target)
        guard found == target.count else {
            throw FormatError.truncated(
                .frame, needed: UInt64(target.count), available: UInt64(found))
        }
        return UnsafeRawBufferPointer(target)
    }

    static func check(_ stored: UnsafeRawBufferPointer, _ entry: FrameEntry) throws(FormatError) {
        guard ChunkHasher.digest(stored) == entry.storedDigest else {
            throw .checksumMismatch(.frame)
        }
    }

    /// Decodes a frame's stored bytes into `target`: all of its plain bytes, or the first of them.
    func decode(
        _ stored: UnsafeRawBufferPointer, _ entry: FrameEntry,
        into target: UnsafeMutableRawBufferPointer
    ) throws(ZstandardError) {
        switch entry.codec {
        case .raw:
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: stored[..<target.count]))
        case .zstd where target.count < Int(entry.plainByteCount):
            try decompressor.decompressPrefix(stored, into: target)
        case .zstd: try decompressor.decompress(stored, into: target)
        }
    }
}

/// The frames that one worker decoded last.
final class FrameCache {
    private final class Slot {
        var pack: PackID?
        var frame = 0
        var lastUse = 0
        let buffer = FrameBuffer()
        var plain = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private let reader: PackReader
    private let decoder = FrameDecoder()
    private var slots: [Slot] = []
    private let capacity: Int
    private var clock = 0

    init(_ reader: PackReader, capacity: Int) {
        self.reader = reader
        self.capacity = capacity
    }

    /// Plain bytes of a frame, valid until the next call.
    /// - Parameter checked: drops what is kept and compares the stored bytes with their hash.
    func frame(
        _ number: Int, of pack: PackID, checked: Bool = false
    ) throws(KuraError) -> UnsafeRawBufferPointer {
        clock += 1
        let known = slots.first { $0.pack == pack && $0.frame == number }
        if let known, !checked {
            known.lastUse = clock
            return known.plain
        }
        let slot = known ?? freeSlot()
        slot.pack = nil
        let entry = try reader.frame(number, of: pack)
        let target = slot.buffer.bytes(Int(entry.entry.plainByteCount))
        try reader.read(entry, of: pack, decoder, checked: checked, into: target)
        slot.plain = UnsafeRawBufferPointer(target)
        slot.pack = pack
        slot.frame = number
        slot.lastUse = clock
        return slot.plain
    }

    private func freeSlot() -> Slot {
        if slots.count < capacity {
            slots.append(Slot())
            return slots[slots.count - 1]
        }
        return slots.min { $0.lastUse < $1.lastUse }!
    }
}
