/// Columns of a terminal that texts take.
package enum DisplayWidth {
    /// Columns of a text of one line.
    package static func of(_ text: String) -> Int {
        // Nearly all is plain ASCII.
        let utf8 = text.utf8
        if utf8.allSatisfy({ 0x20...0x7e ~= $0 }) { return utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + of($1) }
    }

    package static func of(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        // Vowels and ends of Korean syllables stand in the cell of what comes before.
        if 0x1160...0x11FF ~= scalar.value { return 0 }
        if scalar.properties.isEmojiPresentation { return 2 }
        return wide.contains { $0 ~= scalar.value } ? 2 : 1
    }

    /// East Asian wide and full-width characters.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
        0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF,
        0x1F200...0x1F2FF, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
    ]

    /// A text that is not wider than `columns`: where it is, an ellipsis stands for its middle.
    package static func shortened(_ text: String, to columns: Int) -> String {
        guard of(text) > columns else { return text }
        guard columns > 1 else { return columns == 1 ? "\u{2026}" : "" }
        let room = columns - 1
        let head = prefix(text, columns: (room + 1) / 2)
        let tail = String(
            prefix(String(text.reversed()), columns: room - of(head)).reversed())
        return head + "\u{2026}" + tail
    }

    private static func prefix(_ text: String, columns: Int) -> String {
        var (taken, width) = ("", 0)
        for character in text {
            let more = of(String(character))
            guard width + more <= columns else { break }
            taken.append(character)
            width += more
        }
        return taken
    }
}
