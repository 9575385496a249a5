/// Markup that a browser may get.
///
/// What stands in the source code goes in as it is; every value is escaped on its way in. There is
/// no initializer that takes a `String`, so text from outside cannot become markup.
package struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
    package let text: String

    package init(stringLiteral literal: StaticString) { text = literal.description }

    package init(stringInterpolation written: Interpolation) { text = written.text }

    package static let nothing: HTML = ""

    package var isEmpty: Bool { text.isEmpty }

    /// Collects the parts of a piece of markup.
    package struct Interpolation: StringInterpolationProtocol {
        package typealias StringLiteralType = StaticString

        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        package mutating func appendLiteral(_ literal: StaticString) {
            text += literal.description
        }

        /// Text: shown as it is, also between double quotes of an attribute.
        package mutating func appendInterpolation(_ value: String) {
            Escaping.append(value, to: &text)
        }

        package mutating func appendInterpolation(_ value: Int) { text += String(value) }

        package mutating func appendInterpolation(_ part: HTML) { text += part.text }

        package mutating func appendInterpolation(_ part: HTML?) { text += part?.text ?? "" }

        package mutating func appendInterpolation(_ parts: [HTML]) {
            for part in parts { text += part.text }
        }

        package mutating func appendInterpolation(_ link: Link) {
            Escaping.append(link.text, to: &text)
        }
    }
}

private enum Escaping {
    /// Leaves nothing that begins a tag, an entity or the end of an attribute. Control characters
    /// that no document may have become U+FFFD, and so do those that turn the direction of text.
    static func append(_ value: String, to text: inout String) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            case "\n", "\t": text.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{202a}"..."\u{202e}",
                "\u{2066}"..."\u{2069}":
                text += "\u{fffd}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
