extension Array {
    /// Appends a range that starts at the end of the last one or after it. Where it starts at that
    /// end, the last one becomes longer instead.
    package mutating func join<Bound>(_ range: Range<Bound>) where Element == Range<Bound> {
        if let last, last.upperBound == range.lowerBound {
            self[count - 1] = last.lowerBound..<range.upperBound
        } else {
            append(range)
        }
    }
}
