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
        let lines = [columns.map { $0.header.uppercased() }] + rows
        let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            var cells: [String] = []
            for (index, cell) in line.enumerated() {
                let fill = String(repeating: " ", count: widths[index] - cell.count)
                let isLast = index == line.count - 1
                switch columns[index].alignment {
                case .right: cells.append(fill + cell)
                case .left: cells.append(isLast ? cell : cell + fill)
                }
            }
            return cells.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
