internal import KuraCodec
internal import KuraFormat

/// Checks whole files against their names, without decompressing; index runs are for `RunFile`. An
/// older vault record than the vault's is not good: where replicas differ, the highest revision
/// counts.
enum FileCheck {
    /// Longest file that is read into memory as a whole, in bytes.
    static let byteCountMax = Limits.packBytesMax

    static func check(_ bytes: [UInt8], _ file: VaultFile, _ vault: Vault) throws {
        switch file {
        case .record:
            let record = try VaultRecord.decode(bytes)
            guard record.id == vault.id else {
                throw FormatError.invalidField(.vault, field: "id")
            }
            guard record.revision >= vault.record.revision else {
                throw FormatError.invalidField(.vault, field: "revision")
            }
        case .session(let id):
            guard try SessionRecord.decode(bytes).id == id else {
                throw FormatError.invalidField(.session, field: "id")
            }
        case .receipt(let id):
            guard try DurabilityReceipt.decode(bytes).point == id else {
                throw FormatError.invalidField(.receipt, field: "point")
            }
        case .point(let id):
            let (point, seal) = try RecoveryPoint.decode(bytes)
            guard seal == id else { throw FormatError.checksumMismatch(.recoveryPoint) }
            guard point.vault == vault.id else {
                throw FormatError.invalidField(.recoveryPoint, field: "vault")
            }
        case .dropped(let id):
            let record = try DroppedPoint.decode(bytes)
            guard record.point == id else {
                throw FormatError.invalidField(.dropped, field: "point")
            }
            guard record.vault == vault.id else {
                throw FormatError.invalidField(.dropped, field: "vault")
            }
        case .condemned(let id):
            let record = try Condemnation.decode(bytes)
            guard record.id == id else { throw FormatError.invalidField(.condemned, field: "id") }
            guard record.vault == vault.id else {
                throw FormatError.invalidField(.condemned, field: "vault")
            }
        case .journal(let id):
            let (entry, seal) = try JournalEntry.decode(bytes)
            guard seal == id else { throw FormatError.checksumMismatch(.journal) }
            guard entry.vault == vault.id else {
                throw FormatError.invalidField(.journal, field: "vault")
            }
        case .repair(let id):
            let (record, seal) = try RepairRecord.decode(bytes)
            guard seal == id else { throw FormatError.checksumMismatch(.repair) }
            guard record.vault == vault.id else {
                throw FormatError.invalidField(.repair, field: "vault")
            }
        case .pack(let id):
            try bytes.withUnsafeBytes { try checkPack($0, id, vault) }
        case .run:
            preconditionFailure("index runs may be too long for memory: RunFile checks them")
        }
    }

    /// The trailer of a pack or run in memory, compared with its name.
    private static func trailer(
        _ bytes: UnsafeRawBufferPointer, _ id: Digest, _ structure: Structure
    ) throws -> UnsafeRawBufferPointer {
        guard bytes.count >= Footer.byteCount else {
            throw FormatError.truncated(
                structure, needed: UInt64(Footer.byteCount), available: UInt64(bytes.count))
        }
        let end = bytes.count - Footer.byteCount
        let footer = try Footer(
            decoding: UnsafeRawBufferPointer(rebasing: bytes[end...]), of: structure)
        guard footer.trailerDigest == id, footer.trailerByteCount <= UInt64(end) else {
            throw FormatError.checksumMismatch(structure)
        }
        let trailer = bytes[(end - Int(footer.trailerByteCount))..<end]
        let raw = UnsafeRawBufferPointer(rebasing: trailer)
        guard ChunkHasher.digest(raw) == id else { throw FormatError.checksumMismatch(structure) }
        return raw
    }

    private static func checkPack(
        _ bytes: UnsafeRawBufferPointer, _ id: PackID, _ vault: Vault
    ) throws {
        let trailer = try PackTrailer(decoding: trailer(bytes, id, .packTrailer))
        guard trailer.header.vault == vault.id else {
            throw FormatError.invalidField(.pack, field: "vault")
        }
        guard trailer.fileByteCount == UInt64(bytes.count) else {
            throw FormatError.truncated(
                .pack, needed: trailer.fileByteCount, available: UInt64(bytes.count))
        }
        guard bytes.prefix(PackHeader.byteCount).elementsEqual(trailer.header.encoded()) else {
            throw FormatError.checksumMismatch(.pack)
        }
        // Several frames are hashed at once: copying and healing spend most of their time here.
        var hasher = BatchHasher()
        for frame in FrameTable(trailer).frames {
            let start = Int(frame.offset)
            let stored = bytes[start..<(start + Int(frame.entry.storedByteCount))]
            hasher.append(UnsafeRawBufferPointer(rebasing: stored))
        }
        hasher.run()
        guard hasher.digests == trailer.frames.map(\.storedDigest) else {
            throw FormatError.checksumMismatch(.frame)
        }
    }
}

/// Checks the blocks of a run one after the other against its trailer.
struct RunBlockChecker {
    private let trailer: IndexRunTrailer
    private var digests = StreamingHasher()
    private var entries: UInt64 = 0
    private var last: ChunkID?

    init(_ trailer: IndexRunTrailer) { self.trailer = trailer }

    mutating func check(_ block: UnsafeRawBufferPointer, number: Int) throws {
        let checked = UnsafeRawBufferPointer(rebasing: block[..<IndexBlock.checkedByteCount])
        let digest = ChunkHasher.digest(checked)
        guard digest == IndexBlock.storedDigest(block) else {
            throw FormatError.checksumMismatch(.indexBlock)
        }
        digests.update(digest)
        let count = try IndexBlock.check(block, number: UInt32(number))
        let first = IndexBlock.entry(block, 0).id
        guard first.word0 == trailer.fences[number], last.map({ $0 < first }) ?? true else {
            throw FormatError.invalidField(.indexBlock, field: "entry order")
        }
        for index in 0..<count {
            let entry = IndexBlock.entry(block, index)
            guard entry.location.pack < trailer.packs.count else {
                throw FormatError.invalidField(.indexBlock, field: "pack number")
            }
            guard trailer.filter.mayContain(entry.id) else {
                throw FormatError.invalidField(.indexRun, field: "filter")
            }
        }
        last = IndexBlock.entry(block, count - 1).id
        entries += UInt64(count)
    }

    mutating func finish() throws {
        guard entries == trailer.entryCount else {
            throw FormatError.invalidField(.indexRun, field: "entry count")
        }
        guard digests.finish() == trailer.blocksDigest else {
            throw FormatError.checksumMismatch(.indexRun)
        }
    }
}
