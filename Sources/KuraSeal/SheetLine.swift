internal import KuraFormat

/// One of the four lines of a sheet that hold the seed: 8 bytes and their check, in 16 characters.
enum SheetLine {
    /// Lines of a sheet.
    static let count = 4
    static let symbolCount = 16
    static let groupCount = 4
    private static let byteCount = 8

    static func text(_ bytes: [UInt8], number: Int) -> String {
        TypedText.text(symbols(of: bytes, number: number), separator: " ")
    }

    static func bytes(
        typed text: Substring, number: Int
    ) throws(SheetFault) -> [UInt8] {
        var symbols: [UInt8] = []
        var groups: [Int] = []
        for group in text.split(whereSeparator: TypedText.isSeparator) {
            // Where the person typed no spaces, a group is four characters; else what is together.
            for (index, character) in group.enumerated() {
                guard let symbol = TypedText.symbol(of: character) else {
                    let isWhole = group.count <= groupCount
                    let before = isWhole ? groups.count : symbols.count / groupCount
                    throw .character(line: number, group: before + 1, character)
                }
                guard index < symbolCount else { break }
                symbols.append(symbol)
            }
            groups.append(group.count)
        }
        let typed = groups.reduce(0, +)
        guard typed == symbolCount, symbols.count == symbolCount else {
            let shown = groups.count > 1 ? groups.firstIndex { $0 != groupCount } : nil
            throw .lineLength(line: number, count: typed, group: shown.map { $0 + 1 })
        }
        return try bytes(symbols, number: number)
    }

    static func bytes(
        _ symbols: [UInt8], number: Int
    ) throws(SheetFault) -> [UInt8] {
        if isRight(symbols, number: number) { return payload(symbols) }
        let others = 1...count
        if let other = others.first(where: { isRight(symbols, number: $0) }) {
            throw .lineIsOther(line: number, other: other)
        }
        throw .lineCheck(line: number, group: suspect(symbols, number: number).map { $0 + 1 })
    }

    private static func payload(_ symbols: [UInt8]) -> [UInt8] {
        Array(TypedText.bytes(of: symbols).prefix(byteCount))
    }

    private static func isRight(_ symbols: [UInt8], number: Int) -> Bool {
        self.symbols(of: payload(symbols), number: number) == symbols
    }

    /// The only group in which one change of a kind that people make would mend the line.
    private static func suspect(_ symbols: [UInt8], number: Int) -> Int? {
        var groups: Set<Int> = []
        for position in symbols.indices {
            var changed = symbols
            for value in 0..<(32 as UInt8) {
                changed[position] = value
                if isRight(changed, number: number) { groups.insert(position / groupCount) }
            }
            guard position > 0 else { continue }
            changed = symbols
            changed.swapAt(position - 1, position)
            if isRight(changed, number: number) { groups.insert(position / groupCount) }
        }
        return groups.count == 1 ? groups.first : nil
    }

    private static func symbols(of bytes: [UInt8], number: Int) -> [UInt8] {
        let check = SHA256.digest(Array("kura/sheet/\(number)".utf8) + bytes)
        let checkBytes = [
            UInt8(truncatingIfNeeded: check.word0 >> 56),
            UInt8(truncatingIfNeeded: check.word0 >> 48),
        ]
        return TypedText.symbols(of: bytes + checkBytes, count: symbolCount)
    }
}
