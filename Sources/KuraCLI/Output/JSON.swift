import KuraPolicy

/// A JSON document as it is printed: snake_case keys in ascending order, null where a value is not
/// known, so that every key a reader may rely on is there.
enum JSON: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByArrayLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral
{
    /// Members in ascending order of their keys.
    case sorted([(key: String, value: JSON)])
    case array([JSON])
    /// An array of so many elements, each made when it is printed: a list may be long.
    case elements(Int, (Int) -> JSON)
    case string(String)
    case number(UInt64)
    case fraction(Double)
    case bool(Bool)
    case null

    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: UInt64) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSON...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(elements.map { (key: $0.0, value: $0.1) })
    }

    /// Long lists name the members of their elements in order, so that nothing is left to sort.
    private init(_ members: [(key: String, value: JSON)]) {
        let isSorted = zip(members, members.dropFirst()).allSatisfy { $0.key < $1.key }
        self = .sorted(isSorted ? members : members.sorted { $0.key < $1.key })
    }

    static func object(_ members: [String: JSON]) -> JSON {
        JSON(members.map { (key: $0.key, value: $0.value) })
    }

    init(_ value: String?) { self = value.map(JSON.string) ?? .null }
    init(_ value: Int) { self = .number(UInt64(value)) }

    init(_ value: JSONValue) {
        self =
            switch value {
            case .object(let members): .object(members.mapValues { JSON($0) })
            case .array(let elements): .array(elements.map { JSON($0) })
            case .string(let text): .string(text)
            case .number(let number): .number(UInt64(clamping: number))
            case .bool(let flag): .bool(flag)
            case .null: .null
            }
    }

    /// - Parameter pretty: several indented lines; otherwise one line.
    func text(pretty: Bool) -> String {
        var writer = JSONWriter(pretty: pretty)
        writer.append(self)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Of an object; none of anything else.
    var members: [String: JSON] {
        guard case .sorted(let members) = self else { return [:] }
        return Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) })
    }

    /// This object with more members.
    func merging(_ other: [String: JSON]) -> JSON {
        guard case .sorted = self else { return self }
        return .object(members.merging(other) { _, new in new })
    }
}

// Said, because the compiler runs in a circle where it must infer it of tuples of documents.
@available(*, unavailable)
extension JSON: Sendable {}

/// Makes the bytes of a JSON document.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private let pretty: Bool
    /// Where bytes go from time to time; nil where they are collected.
    private let sink: (([UInt8]) -> Void)?
    private var depth = 0

    private static let bytesAtOnce = 1 << 16

    init(pretty: Bool, sink: (([UInt8]) -> Void)? = nil) {
        self.pretty = pretty
        self.sink = sink
    }

    mutating func append(_ value: JSON) {
        switch value {
        case .sorted(let members):
            list("{", "}", count: members.count) { writer, number in
                writer.quote(members[number].key)
                writer.raw(writer.pretty ? " : " : ":")
                writer.append(members[number].value)
            }
        case .array(let elements):
            list("[", "]", count: elements.count) { $0.append(elements[$1]) }
        case .elements(let count, let element):
            list("[", "]", count: count) { $0.append(element($1)) }
        case .string(let text): quote(text)
        case .number(let value): raw(String(value))
        case .fraction(let value): raw(Self.text(value))
        case .bool(let value): raw(value ? "true" : "false")
        case .null: raw("null")
        }
    }

    /// Hands over what is left.
    mutating func flush() {
        sink?(bytes)
        bytes.removeAll(keepingCapacity: true)
    }

    private static func text(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private mutating func raw(_ text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    private mutating func list(
        _ open: String, _ close: String, count: Int, body: (inout JSONWriter, Int) -> Void
    ) {
        raw(open)
        depth += 1
        for number in 0..<count {
            if number > 0 { raw(",") }
            newLine()
            body(&self, number)
            if sink != nil, bytes.count > Self.bytesAtOnce { flush() }
        }
        depth -= 1
        if count > 0 { newLine() }
        raw(close)
    }

    private mutating func newLine() {
        guard pretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private static let hexadecimal = Array("0123456789abcdef".utf8)

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            // Nearly every text is one that needs no escape.
            if utf8.allSatisfy(Self.standsForItself) {
                bytes.append(contentsOf: utf8)
            } else {
                for scalar in String(decoding: utf8, as: UTF8.self).unicodeScalars {
                    quote(scalar)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func standsForItself(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"")
            && byte != UInt8(ascii: "\\")
    }

    /// What a terminal would obey is escaped, although JSON does not ask for it.
    private mutating func quote(_ scalar: Unicode.Scalar) {
        if scalar.value >= 0x7f, Terminal.isHarmful(scalar) {
            raw(Terminal.escape(scalar))
        } else {
            for byte in String(scalar).utf8 { escape(byte) }
        }
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case UInt8(ascii: "\n"): raw("\\n")
        case UInt8(ascii: "\t"): raw("\\t")
        case UInt8(ascii: "\r"): raw("\\r")
        case 0..<0x20:
            raw("\\u00")
            bytes.append(Self.hexadecimal[Int(byte >> 4)])
            bytes.append(Self.hexadecimal[Int(byte & 15)])
        default: bytes.append(byte)
        }
    }
}
