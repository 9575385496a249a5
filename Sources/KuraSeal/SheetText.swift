internal import KuraFormat

/// The lines of a sheet, as they are printed and as a person types them.
struct SheetText {
    private(set) var vault: UniqueID?
    private(set) var fingerprint: Fingerprint?
    private(set) var seed: [UInt8] = []

    /// Columns of the printed text, at most.
    static let columns = 80
    /// First words of printed lines that say nothing about the key.
    private static let labels: Set<String> = ["kura", "vault", "root"]
    /// What stands behind the line that begins with this is for people.
    private static let proseStart = "What"
    /// Longest text that is looked at, in bytes.
    private static let byteCountMax = 16 << 10

    init(_ text: String) throws(SheetFault) {
        guard text.utf8.count <= Self.byteCountMax else { throw .tooLong }
        var numbered = [Substring?](repeating: nil, count: SheetLine.count)
        var rest: [Substring] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(maxSplits: 1, whereSeparator: TypedText.isSeparator)
            guard let first = words.first, !Self.labels.contains(first.lowercased()) else {
                continue
            }
            if first == Self.proseStart { break }
            let value = words.count == 2 ? words[1] : ""
            if let number = Self.lineNumber(first) {
                guard numbered[number - 1] == nil else { throw .lineTwice(number) }
                numbered[number - 1] = value
            } else if first.lowercased() == "id" {
                vault = try Self.vault(typed: value)
            } else if first.lowercased() == "fingerprint" {
                fingerprint = try Self.fingerprint(typed: value)
            } else {
                rest.append(line)
            }
        }
        if numbered.allSatisfy({ $0 == nil }) {
            seed = try Self.seed(withoutNumbers: rest)
        } else {
            for (index, line) in numbered.enumerated() {
                guard let line else { throw .lineMissing(index + 1) }
                seed += try SheetLine.bytes(typed: line, number: index + 1)
            }
        }
    }

    /// A word of one character, which no group is.
    private static func lineNumber(_ word: Substring) -> Int? {
        guard word.count == 1, let symbol = TypedText.symbol(of: word[word.startIndex]) else {
            return nil
        }
        return (1...SheetLine.count).contains(Int(symbol)) ? Int(symbol) : nil
    }

    private static func seed(
        withoutNumbers lines: [Substring]
    ) throws(SheetFault) -> [UInt8] {
        if lines.count == SheetLine.count {
            var seed: [UInt8] = []
            for (index, line) in lines.enumerated() {
                seed += try SheetLine.bytes(typed: line, number: index + 1)
            }
            return seed
        }
        let typed = lines.joined().filter { !TypedText.isSeparator($0) }
        let count = SheetLine.symbolCount
        guard typed.count == count * SheetLine.count else {
            throw typed.isEmpty ? .lineMissing(1) : .seedLength(typed.count)
        }
        var seed: [UInt8] = []
        for index in 0..<SheetLine.count {
            let line = typed.dropFirst(index * count).prefix(count)
            seed += try SheetLine.bytes(typed: line, number: index + 1)
        }
        return seed
    }

    private static func vault(typed text: Substring) throws(SheetFault) -> UniqueID {
        let digits = text.filter { !TypedText.isSeparator($0) }.lowercased()
        let read = digits.map { $0 == "o" ? "0" : $0 == "i" || $0 == "l" ? "1" : $0 }
        guard let id = UniqueID(hex: String(read)) else { throw .vault }
        return id
    }

    private static func fingerprint(
        typed text: Substring
    ) throws(SheetFault) -> Fingerprint {
        do {
            return try Fingerprint(typed: String(text))
        } catch {
            throw .fingerprint
        }
    }

    /// Groups of four, with spaces between them.
    static func grouped(_ text: String) -> String {
        stride(from: 0, to: text.count, by: 4).map { text.dropFirst($0).prefix(4) }
            .joined(separator: " ")
    }

    /// `text` in lines of at most `columns`, cut at spaces.
    static func wrapped(_ text: String) -> String {
        var lines: [String] = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= columns {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.joined(separator: "\n")
    }
}
