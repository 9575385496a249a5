/// A table for people: upper-case headers, two spaces between columns, no borders.
struct Table {
    enum Alignment { case left, right }

    private let columns: [(header: String, alignment: Alignment)]
    /// Cells of all rows, one behind the other: tables may have very many.
    private var bytes: [UInt8] = []
    private var cells: [(end: Int, width: Int)] = []
    private var widths: [Int]

    init(_ columns: [(header: String, alignment: Alignment)]) {
        self.columns = columns
        widths = columns.map { _ in 0 }
        add(columns.map { $0.header.uppercased() })
    }

    mutating func add(_ row: [String]) {
        precondition(row.count == columns.count)
        for (column, cell) in row.enumerated() {
            // Long tables are of plain ASCII, of which each byte is one character on screen.
            let isPlain = cell.utf8.allSatisfy { 0x20...0x7e ~= $0 }
            let cell = isPlain ? cell : Terminal.oneLine(cell)
            let width = isPlain ? cell.utf8.count : cell.count
            widths[column] = max(widths[column], width)
            bytes.append(contentsOf: cell.utf8)
            cells.append((bytes.count, width))
        }
    }

    var text: String {
        let rowBytes = widths.reduce(0, +) + 2 * widths.count + 1
        var text: [UInt8] = []
        text.reserveCapacity(cells.count / columns.count * rowBytes)
        var start = 0
        for (number, cell) in cells.enumerated() {
            let column = number % columns.count
            if number > 0 { text.append(contentsOf: column == 0 ? "\n".utf8 : "  ".utf8) }
            let fill = repeatElement(UInt8(ascii: " "), count: widths[column] - cell.width)
            if columns[column].alignment == .right { text.append(contentsOf: fill) }
            text.append(contentsOf: bytes[start..<cell.end])
            let isLast = column == columns.count - 1
            if columns[column].alignment == .left, !isLast { text.append(contentsOf: fill) }
            start = cell.end
        }
        return String(decoding: text, as: UTF8.self)
    }
}
