/// What the command line says to a remedy, and the commands behind what it says.
package struct RemedyText: Equatable {
    package var text = ""
    /// Each command that the text names, or has a flag of, in words: without "kura".
    package var commands: [[String]] = []

    init(_ parts: [RemedyText], joinedBy separator: String) {
        text = parts.map(\.text).joined(separator: separator)
        commands = parts.flatMap(\.commands)
    }
}

extension RemedyText: ExpressibleByStringInterpolation {
    package init(stringLiteral text: String) {
        self.text = text
    }

    package init(stringInterpolation text: RemedyInterpolation) {
        self = text.written
    }
}

/// Collects the commands of a text while it is written, so that a test can parse them.
package struct RemedyInterpolation: StringInterpolationProtocol {
    fileprivate var written: RemedyText = ""

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) {
        written.text += literal
    }

    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
        written.text += value.description
    }

    package mutating func appendInterpolation(_ part: RemedyText) {
        written.text += part.text
        written.commands += part.commands
    }

    /// A command as a user types it.
    package mutating func appendInterpolation(run command: String...) {
        append(command)
    }

    package mutating func appendInterpolation(run command: [String]) {
        append(command)
    }

    /// A flag, or another part, of a command.
    package mutating func appendInterpolation(_ part: String, of command: String...) {
        written.text += part
        written.commands.append(command)
    }

    private mutating func append(_ command: [String]) {
        written.text += (["kura"] + command.map(Self.quoted)).joined(separator: " ")
        written.commands.append(command)
    }

    /// A word as a shell takes it.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./@:+,=".utf8.contains(byte)
            }
        }
        if isPlain, !word.isEmpty { return word }
        return "'"
            + word.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
    }
}
