/// Values that were used last, by their keys.
struct RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var entries: [Key: (value: Value, lastUse: UInt64)] = [:]
    private var clock: UInt64 = 0

    /// Counts as a use.
    subscript(_ key: Key) -> Value? {
        mutating get {
            guard let index = entries.index(forKey: key) else { return nil }
            clock += 1
            entries.values[index].lastUse = clock
            return entries.values[index].value
        }
    }

    var count: Int { entries.count }

    mutating func insert(_ value: Value, for key: Key) {
        clock += 1
        entries[key] = (value, clock)
    }

    /// Removes the value that was not used for the longest time.
    @discardableResult
    mutating func removeOldest() -> Value? {
        guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return nil
        }
        entries[oldest.key] = nil
        return oldest.value.value
    }
}
