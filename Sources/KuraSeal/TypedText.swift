/// Bytes as 32 characters that people do not confuse, and back from what they type: Crockford's
/// base 32, five bits a character, the highest first. O is read as 0, I and L as 1; U is none.
enum TypedText {
    private static let characters = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    private static let groupCount = 4

    /// The first `count` characters of `bytes` as values 0...31; missing bits are zeros.
    static func symbols(of bytes: [UInt8], count: Int) -> [UInt8] {
        (0..<count).map { number in
            (0..<5).reduce(0 as UInt8) { value, bit in
                let position = number * 5 + bit
                let isThere = position / 8 < bytes.count
                let byte = isThere ? bytes[position / 8] : 0
                return value << 1 | (byte >> (7 - UInt8(position % 8))) & 1
            }
        }
    }

    /// The whole bytes of `symbols`: bits that are left over are dropped.
    static func bytes(of symbols: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for symbol in symbols {
            bits = bits << 5 | UInt32(symbol)
            count += 5
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes
    }

    /// Groups of four, with `separator` between them.
    static func text(_ symbols: [UInt8], separator: String) -> String {
        stride(from: 0, to: symbols.count, by: groupCount).map { start in
            let group = symbols[start..<min(start + groupCount, symbols.count)]
            return String(decoding: group.map { characters[Int($0)] }, as: UTF8.self)
        }.joined(separator: separator)
    }

    /// The value of a typed character; nil for one that is never printed.
    static func symbol(of character: Character) -> UInt8? {
        guard let typed = character.asciiValue else { return nil }
        let upper = (97...122).contains(typed) ? typed - 32 : typed
        switch upper {
        case UInt8(ascii: "O"): return 0
        case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
        default: return characters.firstIndex(of: upper).map { UInt8($0) }
        }
    }

    /// What people put between groups.
    static func isSeparator(_ character: Character) -> Bool {
        character.isWhitespace || "-_.,:;)".contains(character)
    }
}
