/// Which index runs are merged into one: when there are `fanIn` of about one size, these and all
/// that are smaller.
///
/// Runs of 4^t ... 4^(t+1)-1 entries are of *tier* t. A merged run is of a higher tier than each of
/// its runs (unless many names are in several of them), so in a vault of n entries each is
/// rewritten log4(n) times at most, and after a merge there are at most three runs in a tier
/// (unless `entriesMax` forbids it).
package enum MergePlan {
    package static let fanIn = 4
    /// Most entries of a merged run. A merge holds its filter in memory, 1.5 bytes an entry.
    package static let entriesMax: UInt64 = 1 << 28

    /// The tier of a run: log4 of its entries, rounded down; 0 for none.
    package static func tier(_ entries: UInt64) -> Int {
        (UInt64.bitWidth - 1 - max(entries, 1).leadingZeroBitCount) / 2
    }

    /// - Parameter sizes: entries of each run, ascending.
    /// - Returns: how many of the smallest runs are to be merged; 0 where none are.
    package static func count(_ sizes: [UInt64]) -> Int {
        var merged = 0
        var mergedSize: UInt64 = 0
        var size: UInt64 = 0
        var start = 0
        while start < sizes.count {
            let tier = tier(sizes[start])
            var end = start
            while end < sizes.count, self.tier(sizes[end]) == tier {
                size = min(size, entriesMax + 1) + min(sizes[end], entriesMax + 1)
                end += 1
            }
            // The smaller ones, merged, may make one more run of this tier.
            let more = merged > 0 && self.tier(mergedSize) == tier ? 1 : 0
            if end - start + more >= fanIn, size <= entriesMax {
                merged = end
                mergedSize = size
            }
            start = end
        }
        return merged
    }
}
