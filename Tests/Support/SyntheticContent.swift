import Glibc

/// What the files of a synthetic disk hold.
enum SyntheticContent: UInt64, CaseIterable {
    /// Words and lines, which compress well.
    case text
    /// Database pages: a header, free space that is zero, and records.
    case pages
    /// Few different instructions with many different operands, like a program.
    case program
    /// Nothing that a compressor can use.
    case noise

    /// `count` bytes. Works by words, because tests run without optimisation.
    func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        // Every filler may write up to `slack` bytes more than asked for.
        let slack = 128
        let wordCount = (count + slack) / 8 + 1
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: wordCount)
        defer { words.deallocate() }
        let filled = (count + 7) / 8
        switch self {
        case .text: fillText(UnsafeMutableRawPointer(words), count, &generator)
        case .pages: fillPages(words, filled, &generator)
        case .program: fillProgram(words, filled, &generator)
        case .noise:
            for index in 0..<filled { words[index] = generator.next() }
        }
        return [UInt8](UnsafeRawBufferPointer(start: words, count: count))
    }

    private static let vocabulary: [[UInt8]] = [
        "disk", "backup", "of", "the", "server", "is", "not", "a", "snapshot", "if", "table", "row",
        "insert", "into", "values", "null", "error", "warning", "started", "stopped", "session",
        "user", "root", "and", "or", "return", "include", "static", "const", "int", "char", "byte",
        "block", "page", "file", "path", "usr", "lib", "var", "log", "package", "version", "kernel",
        "module", "loaded", "device", "network", "address", "request", "response", "status", "time",
        "zone", "minute", "second", "day", "begin", "commit", "end", "to", "from", "with", "for",
        "by",
    ].map { Array("\($0) ".utf8) }

    /// Ten words and a number of eight letters to a line.
    private func fillText(
        _ target: UnsafeMutableRawPointer, _ count: Int, _ generator: inout SeededGenerator
    ) {
        let vocabulary = Self.vocabulary
        var offset = 0
        while offset < count {
            var choice = generator.next()
            for _ in 0..<10 {
                let word = vocabulary[Int(choice & 63)]
                memcpy(target + offset, word, word.count)
                offset += word.count
                choice >>= 6
            }
            var number = generator.next() & 0x0f0f_0f0f_0f0f_0f0f | 0x6161_6161_6161_6161
            memcpy(target + offset, &number, 8)
            memset(target + offset + 8, 10, 1)
            offset += 9
        }
    }

    private func fillPages(
        _ words: UnsafeMutablePointer<UInt64>, _ count: Int, _ generator: inout SeededGenerator
    ) {
        let pageWords = 1024
        let table = generator.next()
        var row = generator.next() >> 32
        words.update(repeating: 0, count: count)
        for page in stride(from: 0, to: count, by: pageWords) {
            words[page] = UInt64(page) << 32 | 0x2004
            var record = page + pageWords / 2
            while record + 8 <= min(page + pageWords, count) {
                words[record] = row
                words[record + 1] = table
                words[record + 2] = generator.next()
                words[record + 3] = generator.next() & 0xffff
                words[record + 4] = 0x2020_2020_2020_2020
                row += 1
                record += 8
            }
        }
    }

    private func fillProgram(
        _ words: UnsafeMutablePointer<UInt64>, _ count: Int, _ generator: inout SeededGenerator
    ) {
        let instructions = (0..<256).map { _ in generator.next() << 16 }
        for index in 0..<count {
            let choice = generator.next()
            words[index] = instructions[Int(choice & 255)] | choice >> 48
        }
    }
}
