public import KuraFormat
public import KuraIO
internal import Synchronization

/// Reads any range of one disk of a recovery point: what export, mount and single files need.
///
/// Safe from any thread; reads of several threads run beside each other. Every chunk is compared
/// with its name before a byte of it is given out. Decoded frames are kept, so that small reads
/// near each other decode a frame once. Memory: `cacheBytes`, the chunk lists of
/// `Tuning.readerExtents` extents (90 bytes a chunk), and 1 MiB for each thread that reads.
///
/// Packs that the point needs are not removed before `close`, or before the reader goes.
public final class PointReader: DiskSource {
    public let name: String
    public let byteCount: UInt64

    private let disk: DiskRecord
    private let index: ChunkIndex
    private let packs: PackReader
    private let frames: DecodedFrames
    private let lease: ReaderLease
    private let state = Mutex(State())

    private struct State {
        /// What threads use one at a time; there are as many as threads have read at once.
        var lanes: [ReaderLane] = []
        var extents = RecentlyUsed<Int, ExtentMap>()
    }

    /// - Parameter cacheBytes: plain bytes of decoded frames that are kept.
    init(
        _ disk: DiskRecord, of vault: Vault, cacheBytes: Int, lease: ReaderLease
    ) throws(KuraError) {
        self.disk = disk
        self.lease = lease
        name = disk.name
        byteCount = disk.byteCount
        index = try ChunkIndex.open(vault)
        packs = PackReader(vault)
        frames = DecodedFrames(byteCountMax: cacheBytes)
    }

    public var knownByteCount: UInt64? { byteCount }

    /// Lets packs be removed that only this point needs. Reads after it may fail.
    public func close() { lease.end() }

    deinit { lease.end() }

    public func hasChanged() throws(KuraError) -> Bool { false }

    /// Fills `target` from `offset`; fewer bytes come back only at the end of the disk.
    /// - Throws: `damaged` where a chunk is in no pack or has no good copy; the content of `target`
    ///   is undefined then.
    /// - Complexity: for each extent that is not among those used last, reads its nodes and looks
    ///   all of its chunks up.
    public func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        guard offset < byteCount, let base = target.baseAddress else { return 0 }
        let count = Int(min(UInt64(target.count), byteCount - offset))
        var done = 0
        try withLane { lane throws(KuraError) in
            while done < count {
                let (number, start) = Self.locate(offset + UInt64(done))
                let part = min(count - done, Limits.extentBytes - start)
                let piece = UnsafeMutableRawBufferPointer(start: base + done, count: part)
                let map = try map(number, lane)
                try fill(piece, from: start, of: map, lane)
                done += part
            }
        }
        return count
    }

    /// The next stretch within `range` that chunks cover; nil when the rest reads as zeros.
    public func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        let range = range.clamped(to: 0..<byteCount)
        var position = range.lowerBound
        return try withLane { lane throws(KuraError) in
            while position < range.upperBound {
                let (number, start) = Self.locate(position)
                let first = position - UInt64(start)
                if let run = try map(number, lane).firstRun(endingAfter: start) {
                    let data = first + UInt64(run.lowerBound)..<first + UInt64(run.upperBound)
                    let found = data.clamped(to: range)
                    // A run that begins at the end of the range or behind it clamps to nothing.
                    return found.isEmpty ? nil : found
                }
                position = first + UInt64(Limits.extentBytes)
            }
            return nil
        }
    }

    // MARK: Parts of a read

    private static func locate(_ offset: UInt64) -> (extent: Int, start: Int) {
        let (extent, start) = offset.quotientAndRemainder(
            dividingBy: UInt64(Limits.extentBytes))
        return (Int(extent), Int(start))
    }

    private func withLane<T>(
        _ body: (ReaderLane) throws(KuraError) -> T
    ) throws(KuraError) -> T {
        let lane = state.withLock { $0.lanes.popLast() } ?? ReaderLane(index, packs)
        defer { state.withLock { $0.lanes.append(lane) } }
        return try body(lane)
    }

    private func map(_ number: Int, _ lane: ReaderLane) throws(KuraError) -> ExtentMap {
        if let known = state.withLock({ $0.extents[number] }) { return known }
        let map = try lane.map(of: number, of: disk)
        state.withLock { state in
            state.extents.insert(map, for: number)
            if state.extents.count > Tuning.readerExtents { state.extents.removeOldest() }
        }
        return map
    }

    /// Fills a part of one extent.
    private func fill(
        _ target: UnsafeMutableRawBufferPointer, from start: Int, of map: ExtentMap,
        _ lane: ReaderLane
    ) throws(KuraError) {
        var done = 0
        for chunk in map.chunks(in: start..<(start + target.count)) {
            let lower = max(chunk.offset, start)
            let upper = min(chunk.offset + chunk.byteCount, start + target.count)
            clear(target, done..<(lower - start))
            let part = UnsafeMutableRawBufferPointer(
                rebasing: target[(lower - start)..<(upper - start)])
            try lane.copy(
                chunk, from: lower - chunk.offset, to: part, through: frames)
            done = upper - start
        }
        clear(target, done..<target.count)
    }

    private func clear(_ target: UnsafeMutableRawBufferPointer, _ range: Range<Int>) {
        guard !range.isEmpty, let base = target.baseAddress else { return }
        (base + range.lowerBound).initializeMemory(
            as: UInt8.self, repeating: 0, count: range.count)
    }
}

extension Vault {
    /// Opens one disk of a recovery point for reads of any range.
    ///
    /// Damaged and missing copies are recorded in `damage`, and other copies are read instead.
    /// - Parameters:
    ///   - cacheBytes: plain bytes of decoded frames that are kept in memory; nil for 64 MiB.
    ///   - cancellation: of the wait for a commit in progress.
    public func reader(
        of disk: DiskRecord, cacheBytes: Int? = nil,
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> PointReader {
        let lease = try lease(cancellation)
        do throws(KuraError) {
            return try PointReader(
                disk, of: self, cacheBytes: cacheBytes ?? Tuning.readerCacheBytes, lease: lease)
        } catch {
            lease.end()
            throw error
        }
    }
}
