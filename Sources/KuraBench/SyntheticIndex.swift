public import KuraFormat
public import KuraIO
internal import KuraReplicas
public import KuraStore

/// A vault's index with synthetic chunks and no packs, written and merged as backups do it: what
/// the benchmarks measure the index with, at sizes that no test could fill with data.
public struct SyntheticIndex: Sendable {
    private let vault: Vault

    /// Chunks of about 11 KB stored in packs of 32 MiB.
    private static let chunksPerPack = 3000

    public init(_ vault: Vault) { self.vault = vault }

    /// The name of chunk `number`: every number has another one.
    public static func name(of number: UInt64) -> ChunkID {
        func word(_ index: UInt64) -> UInt64 {
            var word = (number &* 4 &+ index) &* 0x9E37_79B9_7F4A_7C15
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        return Digest(words: (word(0), word(1), word(2), word(3)))
    }

    /// Lists new chunks as a backup does: one run, durable in every replica.
    /// - Parameter numbers: of the chunks.
    /// - Returns: bytes written to each replica.
    public func add(_ numbers: Range<UInt64>) throws(KuraError) -> UInt64 {
        var entries: [IndexEntry] = []
        entries.reserveCapacity(numbers.count)
        for (place, number) in numbers.enumerated() {
            entries.append(
                IndexEntry(
                    id: Self.name(of: number),
                    location: ChunkLocation(
                        pack: place / Self.chunksPerPack, frame: place % Self.chunksPerPack / 24,
                        plainOffset: place % 24 * 32768)))
        }
        let packCount = (numbers.count + Self.chunksPerPack - 1) / Self.chunksPerPack
        let packs = (0..<packCount).map { place in
            PackSummary(
                id: Self.name(of: .max - numbers.lowerBound - UInt64(place)), kind: .data,
                chunkCount: UInt32(Self.chunksPerPack), fileByteCount: 32 << 20,
                plainByteCount: 96 << 20)
        }
        let session = try Session.begin(
            vault, operation: "backup", scope: .item("synthetic"), required: vault.replicas.count)
        defer { session.end(clean: true) }
        let run = try IndexRunWriter.write(entries, packs: packs, to: session.writer)
        return run?.trailer.fileByteCount ?? 0
    }

    /// Index runs in the first replica, with the lengths of their files.
    public func runByteCounts() throws(KuraError) -> [RunID: UInt64] {
        var lengths: [RunID: UInt64] = [:]
        for name in try vault.list(Layout.index).keys {
            if let id = RunID(hex: name) { lengths[id] = try vault.byteCount(of: .run(id)) }
        }
        return lengths
    }

    public func open() throws(KuraError) -> OpenedIndex { OpenedIndex(try ChunkIndex.open(vault)) }
}

/// The index of a vault, open, as one worker of a backup uses it.
public final class OpenedIndex {
    private let index: ChunkIndex
    private let cache = BlockCache()

    init(_ index: ChunkIndex) { self.index = index }

    public var runCount: Int { index.runs.count }
    public var entryCount: UInt64 { index.entryCount }
    /// Blocks that look-ups have read so far.
    public var readCount: Int { cache.readCount }

    public func contains(_ id: ChunkID) throws(KuraError) -> Bool {
        try index.contains(id, cache)
    }
}
