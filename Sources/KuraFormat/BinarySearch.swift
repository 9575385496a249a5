/// The first index for which `isBehind` holds, where it holds for all that follow; else the end.
@inlinable
package func firstIndex(in range: Range<Int>, where isBehind: (Int) -> Bool) -> Int {
    var range = range
    while !range.isEmpty {
        let middle = range.lowerBound + range.count / 2
        range =
            isBehind(middle) ? range.lowerBound..<middle : (middle + 1)..<range.upperBound
    }
    return range.lowerBound
}
