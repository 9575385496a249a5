import KuraIO
import SystemPackage

/// FORMAT.md as tests read it: its test vectors and its table of limits.
public enum Specification {
    public struct Problem: Error, CustomStringConvertible {
        public var description: String

        public init(_ description: String) { self.description = description }
    }

    /// Every vector of section 10, in order.
    public static func vectors() throws -> [SpecVector] {
        var vectors: [SpecVector] = []
        var open: SpecVector?
        for line in try lines() {
            if var vector = open {
                if line == "```" {
                    vectors.append(vector)
                    open = nil
                } else {
                    try vector.add(line)
                    open = vector
                }
            } else if line.hasPrefix("```vector ") {
                open = SpecVector(name: String(line.dropFirst("```vector ".count)))
            }
        }
        guard open == nil else { throw Problem("the last vector has no end") }
        return vectors
    }

    public static func vector(_ name: String) throws -> SpecVector {
        let found = try vectors().filter { $0.name == name }
        guard found.count == 1 else {
            throw Problem("FORMAT.md has \(found.count) vectors \(name)")
        }
        return found[0]
    }

    /// A vector of format 2: a file in Tests/Vectors.
    public static func vectorFile(_ name: String) throws -> SpecVector {
        var vector = SpecVector(name: name)
        let path = root.appending("Tests").appending("Vectors").appending(name)
        for line in try lines(of: path) where !line.isEmpty { try vector.add(line) }
        return vector
    }

    /// Names and values of the table of limits below a heading.
    public static func limits(
        below heading: String = "## 4. Limits"
    ) throws -> [String: UInt64] {
        var limits: [String: UInt64] = [:]
        let section = try lines().drop { $0 != heading }.dropFirst()
        let isHeading = { (line: String) in line.hasPrefix("## ") || line.hasPrefix("### ") }
        for line in section.prefix(while: { !isHeading($0) }) where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
            guard cells.count == 3, let value = UInt64(cells[1]), limits[cells[0]] == nil else {
                throw Problem("not a limit: \(line)")
            }
            limits[cells[0]] = value
        }
        return limits
    }

    private static let root = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    private static func lines() throws -> [String] { try lines(of: root.appending("FORMAT.md")) }

    private static func lines(of path: FilePath) throws -> [String] {
        let bytes = try LocalFileSystem().contents(path, max: 1 << 20)
        return String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// One test vector: lines of `KEY: VALUE`.
public struct SpecVector: Sendable {
    public let name: String
    private var pairs: [(key: String, value: String)] = []

    init(name: String) { self.name = name }

    mutating func add(_ line: String) throws {
        guard let colon = line.firstIndex(of: ":"), line[colon...].hasPrefix(": ") else {
            throw Specification.Problem("\(name): not KEY: VALUE: \(line)")
        }
        let value = line[colon...].dropFirst(2)
        pairs.append((String(line[..<colon]), String(value)))
    }

    /// Everything that it says, in order.
    public var lines: [(key: String, value: String)] { pairs }

    /// Values of a key that may repeat.
    public func all(_ key: String) -> [String] { pairs.filter { $0.key == key }.map(\.value) }

    /// Values of a key that may repeat, each split at its spaces.
    public func fields(_ key: String) -> [[String]] {
        all(key).map { $0.split(separator: " ").map(String.init) }
    }

    /// The value of a key that is there once.
    public func one(_ key: String) throws -> String {
        let values = all(key)
        guard values.count == 1 else {
            throw Specification.Problem("\(name): \(values.count) values of \(key)")
        }
        return values[0]
    }

    public func integer<T: FixedWidthInteger>(_ key: String, as type: T.Type = T.self) throws -> T {
        guard let value = T(try one(key)) else {
            throw Specification.Problem("\(name): \(key) is no integer of its size")
        }
        return value
    }

    /// The bytes of all `hex` lines together.
    public func bytes() throws -> [UInt8] {
        var bytes: [UInt8] = []
        for value in all("hex") {
            let parts = value.split(separator: "x")
            if parts.count == 2, let byte = UInt8(parts[0], radix: 16), let count = Int(parts[1]) {
                bytes += repeatElement(byte, count: count)
            } else {
                bytes += try Self.decode(value)
            }
        }
        return bytes
    }

    /// Bytes of pairs of hexadecimal digits.
    public static func decode(_ text: String) throws -> [UInt8] {
        let digits = Array(text)
        guard digits.count % 2 == 0 else {
            throw Specification.Problem("an odd number of digits: \(text)")
        }
        return try stride(from: 0, to: digits.count, by: 2).map { index in
            guard let byte = UInt8(String(digits[index...(index + 1)]), radix: 16) else {
                throw Specification.Problem("not hexadecimal: \(text)")
            }
            return byte
        }
    }
}
