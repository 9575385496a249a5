/// A table for people: upper-case headers, two spaces between columns, no borders.
struct Table {
    enum Alignment { case left, right }

    private let columns: [(header: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ columns: [(header: String, alignment: Alignment)]) { self.columns = columns }

    mutating func add(_ row: [String]) {
        precondition(row.count == columns.count)
        rows.append(row.map(Terminal.oneLine))
    }

    var text: String {
        var widths = columns.map { Self.width($0.header) }
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], Self.width(cell))
            }
        }
        var text = ""
        append(columns.map { $0.header.uppercased() }, widths, to: &text)
        for row in rows {
            text += "\n"
            append(row, widths, to: &text)
        }
        return text
    }

    private func append(_ cells: [String], _ widths: [Int], to text: inout String) {
        for (column, cell) in cells.enumerated() {
            if column > 0 { text += "  " }
            let fill = widths[column] - Self.width(cell)
            let isLast = column == cells.count - 1
            if columns[column].alignment == .right {
                text.append(contentsOf: repeatElement(" ", count: fill))
            }
            text += cell
            if columns[column].alignment == .left, !isLast {
                text.append(contentsOf: repeatElement(" ", count: fill))
            }
        }
    }

    /// Characters on screen. Long tables are of ASCII, of which each byte is one.
    private static func width(_ cell: String) -> Int {
        cell.utf8.allSatisfy { $0 < 0x80 } ? cell.utf8.count : cell.count
    }
}
