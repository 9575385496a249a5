internal import KuraFormat
internal import KuraIO
internal import SystemPackage

/// Verifies the index runs of a vault in every replica.
///
/// A replica need not hold every run: one that a crash left half published, or that was merged into
/// another, may be missing without harm. It must hold the entries of every run that a recovery point
/// names: the run itself, or one that superseded it.
struct RunVerification {
    private let verification: Verification

    init(_ verification: Verification) { self.verification = verification }

    /// - Returns: every run of which some replica has a good copy.
    func run() throws(StoreError) -> [IndexRunReader] {
        let vault = verification.vault
        var readers: [IndexRunReader] = []
        var missing: [(RunID, Replica)] = []
        var listed = Set<RunID>()
        // Before the listing: whatever a point needs is listed then, or superseded.
        let required = try vault.runsOfPoints()
        for (name, holders) in try vault.list(Layout.index).sorted(by: { $0.key < $1.key }) {
            guard let id = RunID(hex: name), !verification.isCancelled else { continue }
            listed.insert(id)
            for replica in verification.replicas {
                if holders.contains(where: { $0.ordinal == replica.ordinal }) {
                    do {
                        try check(id, in: replica)
                    } catch where Vault.isNotFound(error) {
                        // Perhaps another process merged it away since the listing.
                        missing.append((id, replica))
                    } catch {
                        verification.note(error, in: .run(id), of: replica)
                    }
                } else {
                    missing.append((id, replica))
                }
            }
            do throws(StoreError) {
                readers.append(try IndexRunReader(id, vault))
            } catch {
                // Every copy is bad; each was noted above. What it listed shows as dangling.
                continue
            }
        }
        let isGone = listed.count > readers.count
        let known = isGone ? try ChunkIndex.open(vault) : ChunkIndex(vault, runs: readers)
        let superseded = Set((known.runs + known.obsolete).flatMap(\.trailer.superseded))
        for id in required.subtracting(listed) {
            missing += verification.replicas.map { (id, $0) }
        }
        for (id, replica) in missing where required.contains(id) && !superseded.contains(id) {
            verification.note(
                IOError("open", replica.path(of: .run(id), in: vault.id), .noSuchFileOrDirectory),
                in: .run(id), of: replica)
        }
        return isGone ? known.runs + known.obsolete : readers
    }

    private func check(_ id: RunID, in replica: Replica) throws {
        let vault = verification.vault
        let path = replica.path(of: .run(id), in: vault.id)
        let file = try vault.fileSystem.openForReading(path)
        defer { vault.fileSystem.close(file) }
        let trailer = try IndexRunReader.trailer(id, file, path, vault)
        verification.count(bytes: trailer.fileByteCount)
        let block = AlignedBuffer(byteCount: IndexBlock.byteCount)
        guard try vault.fileSystem.read(file, path, at: 0, into: block.bytes) == block.byteCount,
            block.bytes.elementsEqual(trailer.header.encoded())
        else { throw FormatError.checksumMismatch(.indexRun) }
        var checker = RunBlockChecker(trailer)
        for number in trailer.fences.indices {
            let offset = UInt64(IndexRunHeader.byteCount + number * IndexBlock.byteCount)
            _ = try vault.fileSystem.read(file, path, at: offset, into: block.bytes)
            try checker.check(UnsafeRawBufferPointer(block.bytes), number: number)
        }
        try checker.finish()
    }
}
