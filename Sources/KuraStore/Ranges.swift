extension Array {
    /// Appends a range that lies behind all others, or makes the last one longer where it begins at
    /// its end.
    package mutating func join<Bound>(_ range: Range<Bound>) where Element == Range<Bound> {
        if let last, last.upperBound == range.lowerBound {
            self[count - 1] = last.lowerBound..<range.upperBound
        } else {
            append(range)
        }
    }
}
