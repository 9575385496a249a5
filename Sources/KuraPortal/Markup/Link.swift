/// A page of the portal: a path below its root, with a query. Each part is percent-encoded, so that
/// no name of a vault or of a machine can lead to another place.
package struct Link: Sendable, Hashable {
    package let text: String

    private init(text: String) { self.text = text }

    /// - Parameter parts: of the path, in their order; none for the root.
    package init(_ parts: String..., query: [(String, String)] = []) {
        self.init(parts, query: query)
    }

    package init(_ parts: [String], query: [(String, String)] = []) {
        let path = parts.map { "/" + Self.encoded($0) }.joined()
        let pairs = query.map { "\(Self.encoded($0.0))=\(Self.encoded($0.1))" }
        text =
            (path.isEmpty ? "/" : path) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    /// The place of an element on the page that the link leads to.
    package func at(_ anchor: String) -> Link { Link(text: text + "#" + Self.encoded(anchor)) }

    package static let home = Link()

    static func vault(_ name: String, _ parts: String...) -> Link {
        Link(["vaults", name] + parts)
    }

    /// The job of an id.
    package static func job(_ id: String) -> Link { Link("jobs", id) }

    private static func encoded(_ part: String) -> String {
        // These two would be taken for steps in the path.
        if part == "." || part == ".." { return part.utf8.map { _ in "%2E" }.joined() }
        let digits = Array("0123456789ABCDEF")
        var text = ""
        for byte in part.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += "%"
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
        return text
    }
}
