internal import KuraCodec
internal import KuraFormat

/// Compares the blocks of a run, from the first to the last, with its trailer. Call `finish` at the
/// end.
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
