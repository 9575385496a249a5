/// An answer in XML: a tree that is read with limits, since servers can send anything. No entities
/// but the five of XML, no document types, no attributes.
package struct XMLElement {
    /// Without the prefix of a namespace.
    package var name: String
    /// The texts directly in it, joined.
    package var text = ""
    package var children: [XMLElement] = []

    init(name: String) { self.name = name }

    package static let bytesMax = 8 << 20
    private static let depthMax = 16
    private static let elementsMax = 100_000
    private static let nameBytesMax = 128

    package func first(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// Text of the first child with a name; empty where there is none.
    package func text(_ name: String) -> String { first(name)?.text ?? "" }

    package func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// Nil for what is no XML, or exceeds a limit.
    package static func parse(_ bytes: [UInt8]) -> XMLElement? {
        guard bytes.count <= bytesMax else { return nil }
        var parser = Parser(rest: bytes[...])
        return parser.document()
    }

    private struct Parser {
        var rest: ArraySlice<UInt8>
        /// Elements that are open, each with the bytes of its text.
        var open: [(element: XMLElement, text: [UInt8])] = []
        var count = 0

        mutating func document() -> XMLElement? {
            while let byte = rest.first {
                if byte != UInt8(ascii: "<") {
                    guard text() else { return nil }
                } else if rest.starts(with: "<?".utf8) {
                    guard skip(behind: "?>") else { return nil }
                } else if rest.starts(with: "<!--".utf8) {
                    guard skip(behind: "-->") else { return nil }
                } else if rest.starts(with: "<![CDATA[".utf8) {
                    guard literal() else { return nil }
                } else if rest.starts(with: "</".utf8) {
                    guard let closed = close() else { return nil }
                    guard !open.isEmpty else { return isOver ? closed : nil }
                    open[open.count - 1].element.children.append(closed)
                } else {
                    guard let alone = start() else { return nil }
                    if alone.isEmpty, open.isEmpty { return isOver ? alone.element : nil }
                    if alone.isEmpty { open[open.count - 1].element.children.append(alone.element) }
                }
            }
            return nil
        }

        /// Whether nothing but white space and comments follows the root.
        private var isOver: Bool {
            var parser = self
            while let byte = parser.rest.first {
                if Self.isSpace(byte) {
                    parser.rest.removeFirst()
                } else if parser.rest.starts(with: "<!--".utf8) {
                    guard parser.skip(behind: "-->") else { return false }
                } else {
                    return false
                }
            }
            return true
        }

        private static func isSpace(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
        }

        private mutating func skip(behind end: String) -> Bool {
            guard let found = rest.firstRange(of: Array(end.utf8)) else { return false }
            rest = rest[found.upperBound...]
            return true
        }

        /// Text up to the next tag.
        private mutating func text() -> Bool {
            let end = rest.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
            let raw = rest[..<end]
            rest = rest[end...]
            guard !open.isEmpty else { return raw.allSatisfy(Self.isSpace) || isMark(raw) }
            guard let decoded = Self.decoded(raw) else { return false }
            open[open.count - 1].text += decoded
            return true
        }

        /// Whether it is the mark of UTF-8 that some servers begin with.
        private func isMark(_ bytes: ArraySlice<UInt8>) -> Bool {
            bytes.starts(with: [0xEF, 0xBB, 0xBF]) && bytes.dropFirst(3).allSatisfy(Self.isSpace)
        }

        private mutating func literal() -> Bool {
            rest = rest.dropFirst("<![CDATA[".utf8.count)
            guard !open.isEmpty, let end = rest.firstRange(of: Array("]]>".utf8)) else {
                return false
            }
            open[open.count - 1].text += rest[..<end.lowerBound]
            rest = rest[end.upperBound...]
            return true
        }

        private mutating func close() -> XMLElement? {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")), var last = open.popLast() else {
                return nil
            }
            let name = Self.name(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
            guard name == last.element.name else { return nil }
            rest = rest[rest.index(after: end)...]
            last.element.text = String(decoding: last.text, as: UTF8.self)
            return last.element
        }

        /// The start of an element, or an empty one.
        private mutating func start() -> (element: XMLElement, isEmpty: Bool)? {
            guard let end = tagEnd(), count < XMLElement.elementsMax else { return nil }
            var tag = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            let isEmpty = tag.last == UInt8(ascii: "/")
            if isEmpty { tag.removeLast() }
            guard let name = Self.name(tag.prefix { !Self.isSpace($0) }) else { return nil }
            count += 1
            let element = XMLElement(name: name)
            if !isEmpty {
                guard open.count < XMLElement.depthMax else { return nil }
                open.append((element, []))
            }
            return (element, isEmpty)
        }

        /// The end of a tag, behind the values of its attributes.
        private func tagEnd() -> Int? {
            var quote: UInt8?
            for place in rest.indices.dropFirst() {
                let byte = rest[place]
                if let open = quote {
                    if byte == open { quote = nil }
                } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                    quote = byte
                } else if byte == UInt8(ascii: ">") {
                    return place
                } else if byte == UInt8(ascii: "<") {
                    return nil
                }
            }
            return nil
        }

        /// Nil for what is no name: `!DOCTYPE` among others.
        private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
            let bytes = bytes.split(separator: UInt8(ascii: " ")).first ?? []
            let local = bytes.split(separator: UInt8(ascii: ":")).last ?? []
            guard !local.isEmpty, bytes.count <= XMLElement.nameBytesMax,
                local.allSatisfy({ byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
                        UInt8(ascii: "-"), UInt8(ascii: "."):
                        true
                    default: false
                    }
                })
            else { return nil }
            return String(decoding: local, as: UTF8.self)
        }

        private static let entities: [(name: [UInt8], byte: UInt8)] = [
            (Array("lt".utf8), UInt8(ascii: "<")), (Array("gt".utf8), UInt8(ascii: ">")),
            (Array("amp".utf8), UInt8(ascii: "&")), (Array("quot".utf8), UInt8(ascii: "\"")),
            (Array("apos".utf8), UInt8(ascii: "'")),
        ]

        /// Nil for an entity that is not known.
        private static func decoded(_ raw: ArraySlice<UInt8>) -> [UInt8]? {
            guard raw.contains(UInt8(ascii: "&")) else { return Array(raw) }
            var bytes: [UInt8] = []
            var rest = raw
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "&") else {
                    bytes.append(byte)
                    continue
                }
                guard let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
                    return nil
                }
                let name = Array(rest[..<end])
                rest = rest[rest.index(after: end)...]
                if name.first == UInt8(ascii: "#") {
                    guard let scalar = scalar(name.dropFirst()) else { return nil }
                    bytes += Array(String(Character(scalar)).utf8)
                } else {
                    guard let known = entities.first(where: { $0.name == name }) else { return nil }
                    bytes.append(known.byte)
                }
            }
            return bytes
        }

        private static func scalar(_ digits: ArraySlice<UInt8>) -> Unicode.Scalar? {
            let text = String(decoding: digits, as: UTF8.self)
            let value = text.hasPrefix("x") ? UInt32(text.dropFirst(), radix: 16) : UInt32(text)
            return value.flatMap { Unicode.Scalar($0) }
        }
    }
}
