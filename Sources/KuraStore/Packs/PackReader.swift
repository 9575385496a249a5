internal import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import Synchronization

/// Reads packs of a vault: trailers, and frames, from the first replica with a good copy.
final class PackReader: Sendable {
    let vault: Vault
    private let tables = Mutex(FrameTables(byteCountMax: Tuning.frameTableBytes))

    init(_ vault: Vault) { self.vault = vault }

    /// The frame table of a pack, from memory or from the first good copy of its trailer.
    func frameTable(_ id: PackID) throws(KuraError) -> FrameTable {
        if let table = tables.withLock({ $0[id] }) { return table }
        let trailer = try vault.firstGood(.pack(id)) { replica in
            try Self.trailer(id, vault, in: replica)
        }
        let table = FrameTable(trailer)
        tables.withLock { $0[id] = table }
        return table
    }

    /// Reads the trailer of one copy of a pack, and compares it with the pack's name and the file's
    /// length.
    static func trailer(
        _ id: PackID, _ vault: Vault, in replica: Replica
    ) throws -> PackTrailer {
        let reader = try replica.store.open(VaultFile.pack(id).name(in: vault.id))
        let size = try reader.byteCount()
        let raw = try TrailerReader.read(
            reader, size: size, structure: .pack, max: Limits.packTrailerBytesMax, digest: id)
        let trailer = try raw.withUnsafeBytes { try PackTrailer(decoding: $0) }
        guard trailer.header.vault == vault.id else {
            throw FormatError.invalidField(.pack, field: "vault")
        }
        guard trailer.fileByteCount == size else {
            throw FormatError.truncated(.pack, needed: trailer.fileByteCount, available: size)
        }
        return trailer
    }

    /// The trailer of the first copy of a pack in which it is good.
    static func trailer(_ id: PackID, _ vault: Vault) throws(KuraError) -> PackTrailer {
        try vault.firstGood(.pack(id)) { try trailer(id, vault, in: $0) }
    }

    /// Length of a pack's trailer, from the first copy with a good footer; no trailer is read.
    static func trailerByteCount(
        of pack: PackSummary, _ vault: Vault
    ) throws(KuraError) -> UInt64 {
        try vault.firstGood(.pack(pack.id)) { replica in
            let reader = try replica.store.open(VaultFile.pack(pack.id).name(in: vault.id))
            let footer = try TrailerReader.footer(
                reader, size: pack.fileByteCount, structure: .pack,
                max: Limits.packTrailerBytesMax, digest: pack.id)
            return footer.trailerByteCount
        }
    }

    /// Offset and entry of frame `number` of a pack. Throws `damaged` where it has no such frame.
    func frame(_ number: Int, of id: PackID) throws(KuraError) -> FrameTable.Frame {
        let table = try frameTable(id)
        guard number < table.frames.count else {
            throw KuraError(
                .damaged,
                "the index names frame \(number) of pack \(id.short), which has no such frame",
                remedy: .vault(.repair(.chunks)))
        }
        return table.frames[number]
    }

    /// Reads a frame of a pack and decodes it into `target`, trying each replica. A target that is
    /// shorter than the frame's plain bytes gets the first of them.
    ///
    /// - Parameters:
    ///   - checked: whether the stored bytes are compared with their hash, so that a damaged copy
    ///     is passed over. A caller that checks every chunk itself sets it only for a second try,
    ///     when a chunk was wrong.
    ///   - target: undefined after an error.
    func read(
        _ frame: FrameTable.Frame, of id: PackID, _ decoder: FrameDecoder, checked: Bool,
        into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) {
        if !checked, decoder.file?.pack == id {
            do {
                return try decoder.read(frame, checked: false, into: target)
            } catch {
                // Read again below, where the damage is recorded and the other replicas are tried.
                decoder.file = nil
            }
        }
        try vault.firstGood(.pack(id)) { replica in
            decoder.file = nil
            decoder.file = PackFile(
                pack: id, reader: try replica.store.open(VaultFile.pack(id).name(in: vault.id)))
            try decoder.read(frame, checked: checked, into: target)
        }
    }
}
