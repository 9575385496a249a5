public import KuraFormat
internal import KuraIO

/// How much of one pack recovery points need.
struct PackUse {
    var pack: PackSummary
    var liveChunks: UInt64 = 0
    /// Plain bytes of live chunks.
    var livePlainBytes: UInt64 = 0

    /// Bytes of the file that no point needs, as if all chunks compressed alike.
    var deadBytes: UInt64 {
        guard pack.plainByteCount > 0 else { return pack.fileByteCount }
        let live = min(livePlainBytes, pack.plainByteCount)
        let share = Double(pack.plainByteCount - live) / Double(pack.plainByteCount)
        return UInt64(Double(pack.fileByteCount) * share)
    }
}

extension LiveMarks {
    /// The use of every pack of the index, ascending by name. Reads every run once, and the
    /// trailers of packs that are needed in part.
    func packUses() throws(KuraError) -> [PackUse] {
        var uses: [PackID: PackUse] = [:]
        for pack in index.packs { uses[pack.id] = PackUse(pack: pack) }
        for (number, run) in index.runs.enumerated() {
            var live = Array(repeating: 0 as UInt64, count: run.trailer.packs.count)
            try forEachEntry(ofRun: number) { entry, isLive in
                if isLive { live[entry.location.pack] += 1 }
            }
            for (pack, count) in zip(run.trailer.packs, live) { uses[pack.id]?.liveChunks += count }
        }
        let vault = index.vault
        for (id, use) in uses where use.liveChunks > 0 {
            guard use.liveChunks < use.pack.chunkCount else {
                uses[id]?.livePlainBytes = use.pack.plainByteCount
                continue
            }
            let trailer = try PackReader.trailer(id, vault)
            for chunk in trailer.chunks where try isLive(chunk.id, in: id) {
                uses[id]?.livePlainBytes += UInt64(chunk.byteCount)
            }
        }
        return uses.values.sorted { $0.pack.id < $1.pack.id }
    }
}

/// Which packs are removed and which are repacked: the part of a prune that can be shown before it
/// runs.
public struct CollectionPlan: Sendable, Equatable {
    public struct Pack: Sendable, Equatable {
        public var id: PackID
        public var byteCount: UInt64
        /// Of these, bytes that no recovery point needs, as if all chunks compressed alike.
        public var deadBytes: UInt64
    }

    /// Packs of which no point needs anything.
    public var dead: [Pack] = []
    /// Packs whose live chunks move to new packs, those with the most dead bytes first.
    public var repacked: [Pack] = []
    /// Bytes of all packs that the index lists, in one replica.
    public var packBytes: UInt64 = 0
    /// Dead bytes that stay in packs that are not worth repacking.
    public var deadBytesLeft: UInt64 = 0

    public init() {}

    /// Bytes of the packs that are removed, in one replica.
    public var removedBytes: UInt64 { (dead + repacked).reduce(0) { $0 + $1.byteCount } }

    /// Bytes that no recovery point needs, in one replica: of dead packs, of repacked ones, and of
    /// those that stay.
    public var deadBytes: UInt64 {
        dead.reduce(0) { $0 + $1.byteCount } + repacked.reduce(0) { $0 + $1.deadBytes }
            + deadBytesLeft
    }

    /// Estimated bytes of the new packs with live chunks, in one replica.
    public var repackedBytes: UInt64 {
        repacked.reduce(0) { $0 + $1.byteCount - $1.deadBytes }
    }

    /// - Parameter deadShareMax: of the bytes that stay, the share that may be dead.
    init(_ uses: [PackUse], deadShareMax: Double) {
        var stays: [Pack] = []
        for use in uses {
            packBytes += use.pack.fileByteCount
            let pack = Pack(
                id: use.pack.id, byteCount: use.pack.fileByteCount, deadBytes: use.deadBytes)
            if use.liveChunks == 0 { dead.append(pack) } else { stays.append(pack) }
        }
        var total = stays.reduce(0) { $0 + $1.byteCount }
        deadBytesLeft = stays.reduce(0) { $0 + $1.deadBytes }
        stays.sort { left, right in
            let leftShare = Double(left.deadBytes) / Double(max(left.byteCount, 1))
            let rightShare = Double(right.deadBytes) / Double(max(right.byteCount, 1))
            return leftShare == rightShare ? left.id < right.id : leftShare > rightShare
        }
        for pack in stays where pack.deadBytes > 0 {
            guard Double(deadBytesLeft) > Double(total) * deadShareMax else { break }
            repacked.append(pack)
            deadBytesLeft -= pack.deadBytes
            total -= pack.deadBytes
        }
    }
}
