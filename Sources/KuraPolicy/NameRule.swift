/// Which names vaults, regions and policies may have: letters, digits and a few more characters.
package struct NameRule: Sendable {
    private let lengths: ClosedRange<Int>
    /// What is allowed beside letters and digits.
    private let others: String
    private let takesUpperCase: Bool

    package static let vault = NameRule(lengths: 2...50, others: "-", takesUpperCase: true)
    /// It names a directory.
    package static let region = NameRule(lengths: 2...50, others: "-", takesUpperCase: false)
    package static let policy = NameRule(lengths: 3...150, others: "-_!", takesUpperCase: true)

    /// Which part of the rule a name breaks: "it starts with 1, not with a letter"; else nil.
    package func violation(of name: String) -> String? {
        for scalar in name.unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9": continue
            case "A"..."Z":
                guard !takesUpperCase else { continue }
                return "it has the upper-case letter \(scalar)"
            case " ": return "it has a blank"
            default:
                guard !others.unicodeScalars.contains(scalar) else { continue }
                return "it has a character that is not allowed, U+"
                    + String(scalar.value, radix: 16, uppercase: true)
            }
        }
        guard let first = name.unicodeScalars.first else { return "it is empty" }
        guard ("a"..."z").contains(first) || ("A"..."Z").contains(first) else {
            return "it starts with \(first), not with a letter"
        }
        let count = name.unicodeScalars.count
        guard lengths ~= count else {
            return "it has \(count) character\(count == 1 ? "" : "s")"
        }
        return nil
    }

    /// The whole rule, in words.
    package var words: String {
        let letters = takesUpperCase ? "letters" : "lower-case letters"
        let others = others == "-" ? "hyphens" : others.map { "\($0)" }.joined(separator: " ")
        return "\(lengths.lowerBound) to \(lengths.upperBound) \(letters), digits and \(others), "
            + "a letter first"
    }
}
