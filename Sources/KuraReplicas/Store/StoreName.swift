/// The name of an object in a store: parts that are separated by slashes.
///
/// A directory keeps an object under this name as its path, a bucket as its key.
public struct StoreName: Hashable, Sendable, CustomStringConvertible {
    public let key: String

    /// - Parameter key: valid (`StoreFolder.isValid`), and not empty.
    public init(_ key: String) {
        precondition(!key.isEmpty && StoreFolder.isValid(key), "\(key) names no object")
        self.key = key
    }

    /// The part after the last slash.
    public var leaf: Substring {
        key.utf8.lastIndex(of: UInt8(ascii: "/")).map { key[key.index(after: $0)...] } ?? key[...]
    }

    /// The folder that the object is in.
    public var folder: StoreFolder {
        let end = key.utf8.lastIndex(of: UInt8(ascii: "/")) ?? key.startIndex
        return StoreFolder(String(key[..<end]))
    }

    public var description: String { key }
}

/// Objects whose names begin alike: a directory, or a prefix of the keys of a bucket.
public struct StoreFolder: Hashable, Sendable, CustomStringConvertible {
    /// Without a slash at its end; empty for the whole store.
    public let key: String

    /// - Parameter key: valid (`isValid`).
    public init(_ key: String) {
        precondition(Self.isValid(key), "\(key) names no folder")
        self.key = key
    }

    /// Everything that a store holds.
    public static let root = StoreFolder("")

    /// Whether every store accepts a key: no part of it is empty, "." or "..", and it has no
    /// control character. The empty key has no parts, and is valid.
    public static func isValid(_ key: String) -> Bool {
        var dots = 0
        var length = 0
        for byte in key.utf8 {
            if byte == UInt8(ascii: "/") {
                guard length > 0, !(dots == length && length <= 2) else { return false }
                (dots, length) = (0, 0)
                continue
            }
            guard byte >= 0x20, byte != 0x7F else { return false }
            if byte == UInt8(ascii: ".") { dots += 1 }
            length += 1
        }
        return key.isEmpty || (length > 0 && !(dots == length && length <= 2))
    }

    /// The object of this name in the folder.
    public func object(_ leaf: some StringProtocol) -> StoreName {
        StoreName(key.isEmpty ? String(leaf) : "\(key)/\(leaf)")
    }

    /// The folder of this name in the folder.
    public func folder(_ leaf: some StringProtocol) -> StoreFolder {
        StoreFolder(key.isEmpty ? String(leaf) : "\(key)/\(leaf)")
    }

    public var description: String { key }
}
