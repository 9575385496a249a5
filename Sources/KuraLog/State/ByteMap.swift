internal import Glibc
internal import KuraFormat

/// A map whose keys are bytes in order, as pages have them.
///
/// It is kept in blocks, so that a copy of a state that then changes copies one block, not all.
struct ByteMap<Value: Sendable>: Sendable {
    typealias Element = (key: [UInt8], value: Value)

    private struct Block {
        var keys: [[UInt8]]
        var values: [Value]
    }

    /// None is empty.
    private var blocks: [Block] = []
    private(set) var count = 0

    private static var blockCountMax: Int { 512 }

    var isEmpty: Bool { count == 0 }

    subscript(key: [UInt8]) -> Value? {
        let (block, index, isThere) = find(key)
        return isThere ? blocks[block].values[index] : nil
    }

    mutating func set(_ value: Value, for key: [UInt8]) {
        let (number, index, isThere) = find(key)
        if isThere {
            blocks[number].values[index] = value
            return
        }
        count += 1
        guard !blocks.isEmpty else {
            blocks = [Block(keys: [key], values: [value])]
            return
        }
        blocks[number].keys.insert(key, at: index)
        blocks[number].values.insert(value, at: index)
        if blocks[number].keys.count > Self.blockCountMax { split(number) }
    }

    private mutating func split(_ number: Int) {
        let middle = blocks[number].keys.count / 2
        let upper = Block(
            keys: Array(blocks[number].keys[middle...]),
            values: Array(blocks[number].values[middle...]))
        blocks[number].keys.removeSubrange(middle...)
        blocks[number].values.removeSubrange(middle...)
        blocks.insert(upper, at: number + 1)
    }

    /// Elements from `lower` to before `upper`, or to the end, in order.
    func elements(from lower: [UInt8], to upper: [UInt8]?) -> [Element] {
        var elements: [Element] = []
        guard !blocks.isEmpty else { return elements }
        var (number, index, _) = find(lower)
        while number < blocks.count {
            let block = blocks[number]
            while index < block.keys.count {
                if let upper, !block.keys[index].isBefore(upper) { return elements }
                elements.append((block.keys[index], block.values[index]))
                index += 1
            }
            number += 1
            index = 0
        }
        return elements
    }

    /// The block and the index at which `key` is, or would be put in.
    private func find(_ key: [UInt8]) -> (block: Int, index: Int, isThere: Bool) {
        guard !blocks.isEmpty else { return (0, 0, false) }
        // The last block that does not begin behind the key.
        let behind = firstIndex(in: 0..<blocks.count) { key.isBefore(blocks[$0].keys[0]) }
        let number = max(behind - 1, 0)
        let keys = blocks[number].keys
        let index = firstIndex(in: 0..<keys.count) { !keys[$0].isBefore(key) }
        return (number, index, index < keys.count && keys[index] == key)
    }
}

extension [UInt8] {
    /// The order of keys in pages.
    func isBefore(_ other: [UInt8]) -> Bool {
        let order = memcmp(self, other, Swift.min(count, other.count))
        return order == 0 ? count < other.count : order < 0
    }

    /// The first key behind all keys that begin with this one; nil when there is none.
    var prefixEnd: [UInt8]? {
        guard let last = lastIndex(where: { $0 < 255 }) else { return nil }
        return Array(self[..<last]) + [self[last] + 1]
    }
}
