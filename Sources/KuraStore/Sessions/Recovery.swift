internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import SystemPackage

extension Session {
    /// Finishes what sessions left whose process died: every complete file goes to every replica,
    /// packs that no run lists are listed, temporary files go.
    ///
    /// Safe to run beside other sessions and to be killed anywhere: it only adds files named by
    /// their content, and removes a session's record when everything else is done.
    func finishInterrupted() throws(StoreError) {
        let dead = vault.interruptedSessions()
        guard !dead.isEmpty else { return }
        try completeCopies(in: Layout.points) { RecoveryPointID(hex: $0).map(VaultFile.point) }
        try listUnlistedPacks()
        try completeCopies(in: Layout.index) { RunID(hex: $0).map(VaultFile.run) }
        try removeTemporaries(of: dead)
        for session in dead { vault.forget(session: session) }
    }

    /// Copies files that some replicas lack from one that has a good copy.
    private func completeCopies(
        in directory: String, _ file: (String) -> VaultFile?
    ) throws(StoreError) {
        for (name, holders) in try vault.list(directory) {
            guard holders.count < vault.replicas.count, let file = file(name) else { continue }
            try copyToAll(file)
        }
    }

    /// Publishes a good copy of a file everywhere. Files are named by content, so a copy that is
    /// there already stays as it is.
    private func copyToAll(_ file: VaultFile) throws(StoreError) {
        let bytes: [UInt8]
        do throws(StoreError) {
            bytes = try vault.read(file, max: Limits.packBytesMax) { bytes, replica in
                try FileCheck.check(bytes, file, vault)
                return bytes
            }
        } catch {
            // No copy is good. It was never acknowledged by that session; verify reports it.
            if error.code == .damaged || error.code == .notFound { return }
            throw error
        }
        try writer.publish(bytes, as: file)
    }

    /// Writes a run over packs that no run lists and that are sound in every replica.
    func listUnlistedPacks() throws(StoreError) {
        let listed = Set(try ChunkIndex.open(vault).packs.map(\.id))
        var found = PackWriter.Durable()
        for directory in Layout.fanOut {
            for (name, holders) in try vault.list("\(Layout.packs)/\(directory)") {
                guard let id = PackID(hex: name), !listed.contains(id) else { continue }
                if holders.count < vault.replicas.count { try copyToAll(.pack(id)) }
                guard let trailer = try soundTrailer(id) else { continue }
                found.append(PackWriter.Durable(id, trailer))
            }
        }
        _ = try IndexRunWriter.write(found.entries, packs: found.packs, to: writer)
    }

    /// The trailer of a pack whose every byte is right in every replica; nil otherwise.
    private func soundTrailer(_ id: PackID) throws(StoreError) -> PackTrailer? {
        var trailer: PackTrailer?
        for replica in vault.replicas {
            do {
                let path = replica.path(of: .pack(id), in: vault.id)
                let bytes = try vault.fileSystem.contents(path, max: Limits.packBytesMax)
                try FileCheck.check(bytes, .pack(id), vault)
                trailer = try PackReader.trailer(id, vault, replica)
            } catch {
                vault.note(error, in: .pack(id), of: replica)
                return nil
            }
        }
        return trailer
    }

    private func removeTemporaries(of dead: [UniqueID]) throws(StoreError) {
        let prefixes = Set(dead.map(\.hex))
        for replica in vault.replicas {
            let directory = replica.vaultPath(vault.id).appending(Layout.temporary)
            try withStoreErrors {
                for name in try vault.fileSystem.list(directory)
                where prefixes.contains(String(name.prefix(32))) {
                    try vault.fileSystem.remove(directory.appending(name))
                }
            }
        }
    }
}

extension PackWriter.Durable {
    /// One pack alone.
    init(_ id: PackID, _ trailer: PackTrailer) {
        packs = [PackSummary(id: id, trailer)]
        trailer.forEachLocation { chunk, frame, plainOffset in
            entries.append(
                IndexEntry(
                    id: chunk.id,
                    location: ChunkLocation(pack: 0, frame: frame, plainOffset: plainOffset)))
        }
    }
}

/// Checks whole files against their names, without decompressing.
enum FileCheck {
    static func check(_ bytes: [UInt8], _ file: VaultFile, _ vault: Vault) throws {
        switch file {
        case .record:
            _ = try VaultRecord.decode(bytes)
        case .session:
            _ = try SessionRecord.decode(bytes)
        case .receipt(let id):
            guard try DurabilityReceipt.decode(bytes).point == id else {
                throw FormatError.invalidField(.receipt, field: "point")
            }
        case .point(let id):
            guard try RecoveryPoint.decode(bytes).id == id else {
                throw FormatError.checksumMismatch(.recoveryPoint)
            }
        case .pack(let id):
            try bytes.withUnsafeBytes { try checkPack($0, id, vault) }
        case .run(let id):
            try bytes.withUnsafeBytes { try checkRun($0, id, vault) }
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
        for frame in FrameTable(trailer).frames {
            let start = Int(frame.offset)
            let stored = bytes[start..<(start + Int(frame.entry.storedByteCount))]
            try FrameDecoder.check(UnsafeRawBufferPointer(rebasing: stored), frame.entry)
        }
    }

    private static func checkRun(
        _ bytes: UnsafeRawBufferPointer, _ id: RunID, _ vault: Vault
    ) throws {
        let trailer = try IndexRunTrailer(decoding: trailer(bytes, id, .indexRun))
        guard trailer.header.vault == vault.id else {
            throw FormatError.invalidField(.indexRun, field: "vault")
        }
        guard trailer.fileByteCount == UInt64(bytes.count) else {
            throw FormatError.truncated(
                .indexRun, needed: trailer.fileByteCount, available: UInt64(bytes.count))
        }
        guard bytes.prefix(IndexRunHeader.byteCount).elementsEqual(trailer.header.encoded()) else {
            throw FormatError.checksumMismatch(.indexRun)
        }
        var checker = RunBlockChecker(trailer)
        for number in trailer.fences.indices {
            let start = IndexRunHeader.byteCount + number * IndexBlock.byteCount
            let block = bytes[start..<(start + IndexBlock.byteCount)]
            try checker.check(UnsafeRawBufferPointer(rebasing: block), number: number)
        }
        try checker.finish()
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
