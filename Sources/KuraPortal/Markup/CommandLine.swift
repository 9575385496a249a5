/// A command that does what a page does, as a user types it in a shell.
package struct CommandLine: Sendable, Equatable {
    package var words: [String]

    package init(_ words: String...) { self.words = words }

    package init(_ words: [String]) { self.words = words }

    /// With the name of the program first, each word quoted where a shell needs it.
    package var text: String { (["kura"] + words.map(Self.quoted)).joined(separator: " ") }

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
        let parts = word.split(separator: "'", omittingEmptySubsequences: false)
        return "'" + parts.joined(separator: "'\\''") + "'"
    }
}
