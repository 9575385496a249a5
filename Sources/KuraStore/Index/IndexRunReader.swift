internal import KuraCodec
package import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import Synchronization

/// An index run, open for look-ups. Keeps fences and filter in memory, blocks on disk.
///
/// Its files stay open, so the run can be read to the end also when a merge removes it.
package final class IndexRunReader: Sendable {
    let id: RunID
    package let trailer: IndexRunTrailer
    /// Number of this reader in this process: its key in caches.
    let serial = nextSerial.add(1, ordering: .relaxed).newValue
    private static let nextSerial = Atomic<Int>(0)
    private let vault: Vault
    private let copies: [(replica: Replica, reader: any ObjectReader)]

    /// Opens every copy of a run, those of the paired region last. The trailer is that of the first
    /// copy in which it is good; the other copies are checked block by block when they are read.
    /// - Throws: `notFound` where no replica has the run; else what is wrong with the first copy.
    init(_ id: RunID, _ vault: Vault) throws(KuraError) {
        let name = VaultFile.run(id).name(in: vault.id)
        var copies: [(replica: Replica, reader: any ObjectReader)] = []
        var trailer: IndexRunTrailer?
        var failures: [(Replica, any Error)] = []
        for replica in vault.replicas + vault.pair {
            do {
                let reader = try replica.store.open(name)
                if trailer == nil { trailer = try Self.trailer(id, from: reader, of: vault) }
                copies.append((replica, reader))
            } catch {
                failures.append((replica, error))
            }
        }
        guard let trailer else {
            for (replica, error) in failures where error is FormatError {
                vault.note(error, in: .run(id), of: replica)
            }
            // A directory, or something else that is no file, under the name of a run is a damaged
            // copy.
            if let (replica, error) = failures.first(where: { ($0.1 as? IOError)?.isNoFile == true }
            ) {
                vault.note(error, in: .run(id), of: replica)
                throw KuraError(.damaged, "\(error)", cause: error)
            }
            // A missing copy beside a damaged one does not make the run missing.
            let reason = failures.first { !Vault.isNotFound($0.1) } ?? failures.first
            throw reason.map { KuraError($0.1) }
                ?? KuraError(.notFound, "index run \(id.short) is in no replica")
        }
        // A missing copy is no damage here: a merge may have removed it, or the replica has not
        // caught up. Verification tells these apart.
        for (replica, error) in failures where !Vault.isNotFound(error) {
            vault.note(error, in: .run(id), of: replica)
        }
        self.id = id
        self.vault = vault
        self.trailer = trailer
        self.copies = copies
    }

    /// Reads the trailer of one copy of a run, and compares it with the run's name and the file's
    /// length.
    static func trailer(
        _ id: RunID, from reader: any ObjectReader, of vault: Vault
    ) throws -> IndexRunTrailer {
        let size = try reader.byteCount()
        let trailer = try readTrailer(id, reader, size: size)
        guard trailer.header.vault == vault.id else {
            throw FormatError.invalidField(.indexRun, field: "vault")
        }
        guard trailer.fileByteCount == size else {
            throw FormatError.truncated(.indexRun, needed: trailer.fileByteCount, available: size)
        }
        return trailer
    }

    /// Reads the filter straight into the memory where it stays: it may be gigabytes long.
    private static func readTrailer(
        _ id: RunID, _ reader: any ObjectReader, size: UInt64
    ) throws -> IndexRunTrailer {
        let (start, counts) = try RunAdmission.counts(of: id, reader, size: size)
        func read(_ target: UnsafeMutableRawBufferPointer, at offset: UInt64) throws {
            let count = try reader.read(at: offset, into: target)
            guard count == target.count else { throw FormatError.checksumMismatch(.indexRun) }
        }
        var head = [UInt8](repeating: 0, count: counts.headByteCount)
        try head.withUnsafeMutableBytes { try read($0, at: start) }
        let filter = try BloomFilter(blockCount: counts.filterBlocks) { memory in
            MemoryAdvice.preferLargePages(memory)
            try read(memory, at: start + UInt64(head.count))
        }
        let digest = filter.withUnsafeStoredBytes { stored in
            head.withUnsafeBytes { ChunkHasher.digest(pieces: [$0, stored]) }
        }
        guard digest == id else { throw FormatError.checksumMismatch(.indexRun) }
        return try head.withUnsafeBytes {
            try IndexRunTrailer(decodingHead: $0, filter: filter)
        }
    }

    /// The number of entries in the trailer of a copy of a run: two short reads. The trailer is not
    /// compared with the run's name.
    static func entryCount(_ id: RunID, _ reader: any ObjectReader) throws -> UInt64 {
        try RunAdmission.statedCounts(id, reader, size: reader.byteCount()).counts.entries
    }

    /// Reads block `number` into `target` (4 KiB) from the first copy that is good.
    /// - Returns: the number of its entries.
    func readBlock(
        _ number: Int, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        var failure: KuraError?
        for (replica, reader) in copies {
            do {
                return try Self.readBlock(number, reader, into: target)
            } catch {
                vault.note(error, in: .run(id), of: replica)
                failure = failure ?? KuraError(error)
            }
        }
        throw failure ?? KuraError(.notFound, "index run \(id.short) has no open copy")
    }

    static func readBlock(
        _ number: Int, _ reader: any ObjectReader, into target: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        let offset = UInt64(IndexRunHeader.byteCount + number * IndexBlock.byteCount)
        let count = try reader.read(at: offset, into: target)
        guard count == IndexBlock.byteCount else {
            throw FormatError.truncated(
                .indexRun, needed: UInt64(IndexBlock.byteCount), available: UInt64(count))
        }
        let block = UnsafeRawBufferPointer(target)
        let checked = UnsafeRawBufferPointer(rebasing: block[..<IndexBlock.checkedByteCount])
        guard ChunkHasher.digest(checked) == IndexBlock.storedDigest(block) else {
            throw FormatError.checksumMismatch(.indexBlock)
        }
        return try IndexBlock.check(block, number: UInt32(number))
    }

    /// Reads neighbouring blocks with one call, and checks each; one that is damaged in a copy
    /// comes from another copy.
    /// - Parameter target: 4 KiB a block.
    func readBlocks(
        from first: Int, into target: UnsafeMutableRawBufferPointer, _ hasher: inout BatchHasher
    ) throws(KuraError) {
        if readAtOnce(from: first, into: target, &hasher) { return }
        for number in 0..<(target.count / IndexBlock.byteCount) {
            let start = number * IndexBlock.byteCount
            _ = try readBlock(
                first + number,
                into: UnsafeMutableRawBufferPointer(
                    rebasing: target[start..<(start + IndexBlock.byteCount)]))
        }
    }

    private func readAtOnce(
        from first: Int, into target: UnsafeMutableRawBufferPointer, _ hasher: inout BatchHasher
    ) -> Bool {
        guard let reader = copies.first?.reader else { return false }
        let offset = UInt64(IndexRunHeader.byteCount + first * IndexBlock.byteCount)
        do {
            let count = try reader.read(at: offset, into: target)
            guard count == target.count else { return false }
            let blocks = UnsafeRawBufferPointer(target)
            for (number, digest) in hasher.digests(ofBlocks: blocks).enumerated() {
                let start = number * IndexBlock.byteCount
                let block = UnsafeRawBufferPointer(
                    rebasing: blocks[start..<(start + IndexBlock.byteCount)])
                guard digest == IndexBlock.storedDigest(block) else { return false }
                _ = try IndexBlock.check(block, number: UInt32(first + number))
            }
            return true
        } catch {
            // Reading them one by one shows which is damaged.
            return false
        }
    }
}
