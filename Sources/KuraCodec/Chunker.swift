public import KuraFormat

/// Finds where chunks end. A pure function of the bytes, their place on the disk and the
/// parameters.
///
/// A chunker sees one *data run* at a time: the bytes of consecutive 4 KiB blocks of one extent
/// that are not all zero. Chunks never leave their run, so holes and extents always start a chunk
/// anew.
///
/// `gear-tail-v1` cuts at p, at least `min` after the chunk's start, where
/// - the gear hash of the 64 bytes before p has the mask's bits zero (a hard mask before `mean`, an
///   easy one after it: Xia et al., "FastCDC", USENIX ATC 2016), or
/// - p is a multiple of 4 KiB on the disk and the 64 bytes before p are zero: guest file systems
///   start files on a block and pad the last block with zeros, so chunks line up with files, or
/// - p is `max` after the start.
///
/// `fixed-v1` cuts at every multiple of `mean` on the disk.
public struct Chunker: Sendable {
    public let kind: ChunkerKind
    /// Bytes; powers of two. `min` is mean / 4 and `max` 8 x mean for gear-tail-v1.
    public let min, mean, max: Int
    private let hardMask: UInt64
    private let easyMask: UInt64

    /// Bytes that the gear hash depends on, and that a tail needs to have zero.
    public static let windowBytes = 64
    /// The hard mask has this many bits more than log2(mean), the easy one as many fewer.
    public static let normalisation = 1

    /// - Parameter mean: a power of two in `VaultRecord.chunkBytesMeanRange`.
    public init(_ kind: ChunkerKind, mean: Int) {
        precondition(VaultRecord.chunkBytesMeanRange ~= UInt32(mean) && mean.nonzeroBitCount == 1)
        self.kind = kind
        self.mean = mean
        min = kind == .fixed ? mean : mean / 4
        max = kind == .fixed ? mean : mean * 8
        hardMask = Self.mask(bits: mean.trailingZeroBitCount + Self.normalisation)
        easyMask = Self.mask(bits: mean.trailingZeroBitCount - Self.normalisation)
    }

    /// The top bits: those that depend on the most bytes of the window.
    private static func mask(bits: Int) -> UInt64 { ~0 << UInt64(64 - bits) }

    /// End of the chunk that starts at `start`.
    ///
    /// - Parameters:
    ///   - bytes: at least `end` readable bytes of one data run.
    ///   - start: offset in `bytes` where the chunk starts.
    ///   - end: bytes known so far, above `start`.
    ///   - runEnds: whether the data run ends at `end`; otherwise more bytes may follow.
    ///   - diskOffset: place of `bytes[0]` on the disk.
    /// - Returns: an offset in `start+1...end`, or nil when the cut may lie beyond `end`.
    ///
    /// O(chunk), no allocation.
    public func cut(
        _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, runEnds: Bool,
        diskOffset: UInt64
    ) -> Int? {
        let place = Int(truncatingIfNeeded: diskOffset)
        switch kind {
        case .fixed:
            let next = ((place + start) / mean + 1) * mean - place
            if next <= end { return next }
            return runEnds ? end : nil
        case .gearTail:
            if runEnds, end - start <= min { return end }
            if !runEnds, end - start < min { return nil }
            return gearTailCut(bytes, from: start, to: end, runEnds: runEnds, place: place)
        }
    }

    /// - Parameter place: of `bytes[0]` on the disk.
    private func gearTailCut(
        _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, runEnds: Bool, place: Int
    ) -> Int? {
        let table = GearTable.words
        let limit = Swift.min(start &+ max, end)
        var hash: UInt64 = 0
        var position = start &+ min
        for index in (position &- Self.windowBytes)..<position {
            hash = (hash &<< 1) &+ table[Int(bytes[index])]
        }
        if position < limit, hash & hardMask == 0 || isTail(bytes, at: position, place: place) {
            return position
        }
        // Candidates below start + mean take the hard mask, those from there on the easy one.
        // Where they part depends on the chunk alone, not on how much of its run is known.
        let hardEnd = Swift.min(start &+ mean &- 1, limit)
        let isCut =
            scan(
                bytes, table, hash: &hash, from: &position, to: hardEnd, mask: hardMask,
                place: place)
            || scan(
                bytes, table, hash: &hash, from: &position, to: limit, mask: easyMask, place: place)
        if isCut { return position }
        return runEnds || limit == start &+ max ? limit : nil
    }

    /// Moves `position` on to the next cut, or to `end` when there is none up to there.
    /// - Returns: whether `position` is a cut.
    @inline(__always)
    private func scan(
        _ bytes: UnsafePointer<UInt8>, _ table: UnsafePointer<UInt64>, hash: inout UInt64,
        from position: inout Int, to end: Int, mask: UInt64, place: Int
    ) -> Bool {
        var rolling = hash
        var next = position
        defer {
            hash = rolling
            position = next
        }
        while next < end {
            let boundary = ((place &+ next) | (Limits.blockBytes &- 1)) &+ 1 &- place
            let stretchEnd = Swift.min(boundary, end)
            // Four bytes a step: the hash behind the fourth does not wait for those between. They
            // are looked at one by one only when one of them has the mask's bits zero.
            while next &+ 4 <= stretchEnd {
                let word = UnsafeRawPointer(bytes + next).loadUnaligned(as: UInt32.self)
                let one = table[Int(truncatingIfNeeded: word & 0xff)]
                let two = (one &<< 1) &+ table[Int(truncatingIfNeeded: (word &>> 8) & 0xff)]
                let three = (two &<< 1) &+ table[Int(truncatingIfNeeded: (word &>> 16) & 0xff)]
                let four = (three &<< 1) &+ table[Int(truncatingIfNeeded: word &>> 24)]
                if ((rolling &<< 1) &+ one) & mask == 0 || ((rolling &<< 2) &+ two) & mask == 0
                    || ((rolling &<< 3) &+ three) & mask == 0
                {
                    break
                }
                rolling = (rolling &<< 4) &+ four
                next &+= 4
                if rolling & mask == 0 { return true }
            }
            while next < stretchEnd {
                rolling = (rolling &<< 1) &+ table[Int(bytes[next])]
                next &+= 1
                if rolling & mask == 0 { return true }
            }
            if isTail(bytes, at: next, place: place) { return true }
        }
        return false
    }

    /// Whether a file may end right before `position`: a block boundary behind 64 zero bytes.
    @inline(__always)
    private func isTail(
        _ bytes: UnsafePointer<UInt8>, at position: Int, place: Int
    ) -> Bool {
        guard (place &+ position) & (Limits.blockBytes &- 1) == 0 else { return false }
        let window = UnsafeRawPointer(bytes + (position &- Self.windowBytes))
        var any: UInt64 = 0
        for word in 0..<(Self.windowBytes / 8) {
            any |= window.loadUnaligned(fromByteOffset: word &* 8, as: UInt64.self)
        }
        return any == 0
    }
}
