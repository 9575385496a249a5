internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// The file of an index run as a whole, which may be too long for memory.
enum RunFile {
    private static let blocksAtOnce = 256

    /// Reads a copy of a run from its first byte to its last, and checks all of it.
    ///
    /// - Parameter body: gets the bytes in order, piece by piece. Each block is checked before;
    ///   only the return of the call says that the whole file is good.
    /// - Returns: length of the file, in bytes.
    @discardableResult
    static func read(
        _ id: RunID, in replica: Replica, of vault: Vault,
        _ body: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws -> UInt64 {
        let reader = try replica.store.open(VaultFile.run(id).name(in: vault.id))
        let trailer = try IndexRunReader.trailer(id, from: reader, of: vault)
        let buffer = AlignedBuffer(byteCount: blocksAtOnce * IndexBlock.byteCount)
        func read(_ count: Int, at offset: Int) throws -> UnsafeRawBufferPointer {
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
            let found = try reader.read(at: UInt64(offset), into: target)
            guard found == count else {
                throw FormatError.truncated(
                    .indexRun, needed: UInt64(offset + count), available: UInt64(offset + found))
            }
            return UnsafeRawBufferPointer(target)
        }
        let header = try read(IndexRunHeader.byteCount, at: 0)
        guard header.elementsEqual(trailer.header.encoded()) else {
            throw FormatError.checksumMismatch(.indexRun)
        }
        try body(header)
        var checker = RunBlockChecker(trailer)
        let blockCount = trailer.fences.count
        for first in stride(from: 0, to: blockCount, by: blocksAtOnce) {
            let count = min(blocksAtOnce, blockCount - first)
            let blocks = try read(
                count * IndexBlock.byteCount,
                at: IndexRunHeader.byteCount + first * IndexBlock.byteCount)
            for number in 0..<count {
                let start = number * IndexBlock.byteCount
                let block = blocks[start..<(start + IndexBlock.byteCount)]
                try checker.check(UnsafeRawBufferPointer(rebasing: block), number: first + number)
            }
            try body(blocks)
        }
        try checker.finish()
        // The trailer has been compared with the name, and each trailer has exactly one encoding.
        let footer = Footer(
            trailerByteCount: UInt64(trailer.encodedByteCount), trailerDigest: id)
        try trailer.encodedHead().withUnsafeBytes { try body($0) }
        try trailer.filter.withUnsafeStoredBytes { try body($0) }
        try footer.encoded().withUnsafeBytes { try body($0) }
        return trailer.fileByteCount
    }
}
