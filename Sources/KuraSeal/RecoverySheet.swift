public import KuraFormat

/// The root key of a vault on paper: text to be printed and locked away, and typed in again.
///
/// The seed stands in four numbered lines of four groups: 64 bits of the seed and 16 bits that find
/// typing errors, which depend on the number of the line.
public struct RecoverySheet: Sendable {
    public let vault: UniqueID?
    /// Of the root key.
    public let fingerprint: Fingerprint?
    public let key: SigningKey

    /// Lines of the seed.
    public static let lineCount = SheetLine.count
    /// Columns of the printed text, at most.
    public static let columns = SheetText.columns

    public init(vault: UniqueID, key: SigningKey) {
        self.vault = vault
        fingerprint = Fingerprint(of: key.publicKey)
        self.key = key
    }

    /// Reads what a person typed: the whole sheet, or its four lines with or without their numbers.
    /// Case and spaces do not count, O is 0, I and L are 1. Names the first error.
    public init(typed text: String) throws(SealError) {
        let typed: SheetText
        do {
            typed = try SheetText(text)
        } catch {
            throw .sheet(error)
        }
        vault = typed.vault
        fingerprint = typed.fingerprint
        key = try SigningKey(seed: typed.seed)
        if let fingerprint, fingerprint != Fingerprint(of: key.publicKey) {
            throw .sheet(.otherKey)
        }
    }

    /// One line of the seed as a person typed it, without its number: 8 bytes.
    ///
    /// - Parameter number: 1...`lineCount`.
    public static func seedBytes(
        typed text: String, line number: Int
    ) throws(SealError) -> [UInt8] {
        do {
            return try SheetLine.bytes(typed: text[...], number: number)
        } catch {
            throw .sheet(error)
        }
    }

    /// The sheet, to be printed: ASCII, at most `columns` columns. Secret.
    ///
    /// - Parameters:
    ///   - name: of the vault.
    ///   - usage: how to use it with the program at hand: one paragraph a line.
    public func printed(name: String, usage: [String]) -> String {
        let lines = key.withSeed { seed in
            (1...Self.lineCount).map { number in
                let part = UnsafeRawBufferPointer(
                    rebasing: seed[(8 * number - 8)..<(8 * number)])
                return "    \(number)   \(SheetLine.text(Array(part), number: number))\n"
            }
        }
        let id = vault.map { SheetText.grouped($0.hex) } ?? ""
        let escaped = name.map(\.escaped).joined()
        let shown = escaped.count > 64 ? "\(escaped.prefix(61))..." : escaped
        return """
            KURA RECOVERY SHEET

            Vault        \(shown)
            Id           \(id)
            Fingerprint  \(Fingerprint(of: key.publicKey))

            Root key

            \(lines.joined())
            \(Self.purpose.map { SheetText.wrapped($0) }.joined(separator: "\n\n"))

            \(usage.map { SheetText.wrapped($0) }.joined(separator: "\n"))

            """
    }

    private static let purpose = [
        """
        What this is for: the root key says which computers may write to the vault. Recovery \
        points can be read without it. It is needed when the computer that made the vault is lost, \
        or when a key that may write was stolen.
        """,
        """
        Keep it where only those can read it who may decide about the vault, and not beside the \
        backups. Who has it can admit a computer of their own, which can then drop recovery points.
        """,
        """
        To use it, type the four lines above, with or without their numbers. Small letters will \
        do, and spaces do not count. What looks like O, I or L is a digit: zero or one. \
        Each line finds its own typing errors. Compare the fingerprint with the one that is shown.
        """,
    ]
}
