internal import KuraCodec
internal import KuraFormat
internal import KuraIO
internal import Synchronization
internal import SystemPackage

/// An index run, open for look-ups. Keeps fences and filter in memory, blocks on disk.
///
/// The file stays open, so the run can be read to the end even when it is merged away meanwhile.
final class IndexRunReader: Sendable {
    let id: RunID
    let trailer: IndexRunTrailer
    /// Number of this reader in this process: what caches know it by.
    let serial = nextSerial.add(1, ordering: .relaxed).newValue
    private static let nextSerial = Atomic<Int>(0)
    private let vault: Vault
    private let copies: [(replica: Replica, file: OpenFile)]

    /// Opens every good copy of a run; needs at least one.
    init(_ id: RunID, _ vault: Vault) throws(StoreError) {
        var copies: [(replica: Replica, file: OpenFile)] = []
        var trailer: IndexRunTrailer?
        var failures: [(Replica, any Error)] = []
        for replica in vault.replicas + vault.pair {
            let path = replica.path(of: .run(id), in: vault.id)
            do {
                let file = try vault.fileSystem.openForReading(path)
                do {
                    if trailer == nil { trailer = try Self.trailer(id, file, path, vault) }
                    copies.append((replica, file))
                } catch {
                    vault.fileSystem.close(file)
                    throw error
                }
            } catch {
                failures.append((replica, error))
            }
        }
        guard let trailer else {
            for (replica, error) in failures where error is FormatError {
                vault.note(error, in: .run(id), of: replica)
            }
            throw failures.first.map { StoreError($0.1) }
                ?? StoreError(.notFound, "index run \(id.short) is in no replica")
        }
        // A copy that is missing may be merged away or not yet there; verify tells, reading does not.
        for (replica, error) in failures where !Vault.isNotFound(error) {
            vault.note(error, in: .run(id), of: replica)
        }
        self.id = id
        self.vault = vault
        self.trailer = trailer
        self.copies = copies
    }

    deinit {
        for copy in copies { vault.fileSystem.close(copy.file) }
    }

    static func trailer(
        _ id: RunID, _ file: OpenFile, _ path: FilePath, _ vault: Vault
    ) throws -> IndexRunTrailer {
        let size = try vault.fileSystem.status(path).byteCount
        let raw = try TrailerReader.read(
            file, path, size: size, vault.fileSystem, structure: .indexRun,
            max: Limits.runTrailerBytesMax, digest: id)
        let trailer = try raw.withUnsafeBytes { try IndexRunTrailer(decoding: $0) }
        guard trailer.header.vault == vault.id else {
            throw FormatError.invalidField(.indexRun, field: "vault")
        }
        guard trailer.fileByteCount == size else {
            throw FormatError.truncated(.indexRun, needed: trailer.fileByteCount, available: size)
        }
        return trailer
    }

    /// Reads block `number` into `target` (4 KiB) from the first copy that is good.
    /// - Returns: the number of its entries.
    func readBlock(
        _ number: Int, into target: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Int {
        var failure: StoreError?
        for (replica, file) in copies {
            let path = replica.path(of: .run(id), in: vault.id)
            do {
                return try Self.readBlock(number, file, path, vault.fileSystem, into: target)
            } catch {
                vault.note(error, in: .run(id), of: replica)
                failure = failure ?? StoreError(error)
            }
        }
        throw failure ?? StoreError(.notFound, "index run \(id.short) has no open copy")
    }

    static func readBlock(
        _ number: Int, _ file: OpenFile, _ path: FilePath, _ fileSystem: any FileSystem,
        into target: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        let offset = UInt64(IndexRunHeader.byteCount + number * IndexBlock.byteCount)
        let count = try fileSystem.read(file, path, at: offset, into: target)
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
}
