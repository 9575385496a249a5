public import KuraFormat
public import KuraIO

/// A stretch of a disk that differs between two recovery points.
public struct ChangedRange: Sendable, Equatable {
    public var disk: String
    public var offset: UInt64
    public var byteCount: UInt64
}

extension Vault {
    /// Stretches in which disks of the same name differ, ascending by disk and offset.
    ///
    /// A chunk counts as a whole: a range may also hold equal bytes beside the changed ones. A disk
    /// that only one of the points has differs in its whole length.
    /// - Complexity: nothing is read of a disk with the same tree; else all inner nodes above the
    ///   extents, and the leaves of the extents that differ.
    public func difference(
        _ left: RecoveryPoint, _ right: RecoveryPoint
    ) throws(KuraError) -> [ChangedRange] {
        let lease = try lease()
        defer { lease.end() }
        let index = try ChunkIndex.open(self)
        let reader = ManifestReader(index, PackReader(self), blocks: BlockCache())
        let names = Set(left.disks.map(\.name)).union(right.disks.map(\.name)).sorted()
        var ranges: [ChangedRange] = []
        for name in names {
            let a = left.disks.first { $0.name == name }
            let b = right.disks.first { $0.name == name }
            guard let a, let b else {
                let byteCount = (a ?? b)?.byteCount ?? 0
                if byteCount > 0 {
                    ranges.append(ChangedRange(disk: name, offset: 0, byteCount: byteCount))
                }
                continue
            }
            var comparison = DiskComparison(disk: name)
            try comparison.compare(a, b, by: reader)
            ranges += comparison.ranges
        }
        return ranges
    }
}

/// Collects the differences of one disk.
private struct DiskComparison {
    let disk: String
    var ranges: [ChangedRange] = []

    init(disk: String) { self.disk = disk }

    mutating func compare(
        _ a: DiskRecord, _ b: DiskRecord, by reader: ManifestReader
    ) throws(KuraError) {
        var left: [Int: NodeID] = [:]
        var right: [Int: NodeID] = [:]
        // Trees of disks of different size have different heights, so extents are compared.
        if a.root != b.root || a.byteCount != b.byteCount {
            try reader.forEachExtent(of: a) { left[$0] = $1 }
            try reader.forEachExtent(of: b) { right[$0] = $1 }
        }
        for number in Set(left.keys).union(right.keys).sorted() where left[number] != right[number]
        {
            let old = try left[number].map { node throws(KuraError) in
                try reader.chunks(ofExtent: node)
            }
            let new = try right[number].map { node throws(KuraError) in
                try reader.chunks(ofExtent: node)
            }
            compareExtent(number, from: old ?? [], to: new ?? [])
        }
        let common = min(a.byteCount, b.byteCount)
        let longest = max(a.byteCount, b.byteCount)
        clip(to: common)
        if longest > common { add(common..<longest) }
    }

    /// Goes through two ascending lists of chunks; where they do not have the same chunk at the
    /// same offset, the disk has changed.
    private mutating func compareExtent(
        _ number: Int, from old: [ExtentChunk], to new: [ExtentChunk]
    ) {
        let start = UInt64(number) * UInt64(Limits.extentBytes)
        func range(_ chunk: ExtentChunk) -> Range<UInt64> {
            let first = start + UInt64(chunk.offset)
            return first..<(first + UInt64(chunk.byteCount))
        }
        var (i, j) = (0, 0)
        while i < old.count || j < new.count {
            if i < old.count, j < new.count, old[i] == new[j] {
                i += 1
                j += 1
            } else if j == new.count || (i < old.count && old[i].offset <= new[j].offset) {
                add(range(old[i]))
                i += 1
            } else {
                add(range(new[j]))
                j += 1
            }
        }
    }

    private mutating func add(_ range: Range<UInt64>) {
        if var last = ranges.last, last.offset + last.byteCount >= range.lowerBound {
            last.byteCount = max(last.offset + last.byteCount, range.upperBound) - last.offset
            ranges[ranges.count - 1] = last
        } else {
            ranges.append(
                ChangedRange(
                    disk: disk, offset: range.lowerBound,
                    byteCount: range.upperBound - range.lowerBound))
        }
    }

    private mutating func clip(to end: UInt64) {
        ranges.removeAll { $0.offset >= end }
        if var last = ranges.last, last.offset + last.byteCount > end {
            last.byteCount = end - last.offset
            ranges[ranges.count - 1] = last
        }
    }
}
