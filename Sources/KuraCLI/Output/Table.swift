/// A table for people: upper-case headers, two spaces between columns, no borders.
package struct Table {
    package enum Alignment { case left, right }

    private let columns: [(header: String, alignment: Alignment)]
    /// Cells of all rows, one behind the other: tables may have very many.
    private var bytes: [UInt8] = []
    private var cells: [(end: Int, width: Int)] = []
    private var widths: [Int]

    private static let gap = 2
    /// Names are not made shorter than this.
    private static let nameColumnsMin = 8

    package init(_ columns: [(header: String, alignment: Alignment)]) {
        self.columns = columns
        widths = columns.map { _ in 0 }
        add(columns.map { $0.header.uppercased() })
    }

    package mutating func add(_ row: [String]) {
        precondition(row.count == columns.count)
        for (column, cell) in row.enumerated() {
            // Long tables are of plain ASCII, of which each byte is one character on screen.
            let isPlain = cell.utf8.allSatisfy { 0x20...0x7e ~= $0 }
            let cell = isPlain ? cell : Terminal.oneLine(cell)
            let width = isPlain ? cell.utf8.count : DisplayWidth.of(cell)
            widths[column] = max(widths[column], width)
            bytes.append(contentsOf: cell.utf8)
            cells.append((bytes.count, width))
        }
    }

    package var text: String {
        let rowBytes = widths.reduce(0, +) + Self.gap * widths.count + 1
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

    // MARK: Narrow terminals

    private var width: Int { widths.reduce(0, +) + Self.gap * (widths.count - 1) }

    /// The table as standard output takes it: on a terminal no wider than that, where it can be.
    /// - Parameters:
    ///   - names: headers of columns whose long cells lose their middle.
    ///   - rest: headers of columns that are left out, the first one first, where that is not
    ///     enough.
    func text(shortening names: Set<String>, leavingOut rest: [String] = []) -> String {
        guard let columns = Terminal.outputColumns else { return text }
        return fitting(columns, shortening: names, leavingOut: rest).text
    }

    /// A table that is at most so wide, where that can be.
    package func fitting(
        _ limit: Int, shortening names: Set<String>, leavingOut rest: [String] = []
    ) -> Table {
        guard width > limit else { return self }
        var table = self
        for header in [nil] + rest.map(Optional.some) {
            if let header { table = table.without(header) }
            let excess = table.width - limit
            if excess <= table.slack(of: names) { return table.shortened(by: excess, names) }
        }
        return table.shortened(by: table.slack(of: names), names)
    }

    /// Columns that shorter names would free.
    private func slack(of names: Set<String>) -> Int {
        columns.indices.filter { names.contains(columns[$0].header) }
            .reduce(0) { $0 + max(0, widths[$1] - narrowest($1)) }
    }

    /// How narrow names can make a column: its header stays whole.
    private func narrowest(_ column: Int) -> Int {
        max(Self.nameColumnsMin, DisplayWidth.of(columns[column].header))
    }

    private func shortened(by excess: Int, _ names: Set<String>) -> Table {
        guard excess > 0 else { return self }
        var limits = widths
        for _ in 0..<excess {
            // The widest loses first.
            let candidates = columns.indices.filter {
                names.contains(columns[$0].header) && limits[$0] > narrowest($0)
            }
            guard let widest = candidates.max(by: { limits[$0] < limits[$1] }) else { break }
            limits[widest] -= 1
        }
        return rebuilt(columns.indices.map { $0 }) { column, cell in
            DisplayWidth.shortened(cell, to: limits[column])
        }
    }

    private func without(_ header: String) -> Table {
        rebuilt(columns.indices.filter { columns[$0].header != header }) { $1 }
    }

    private func rebuilt(
        _ kept: [Int], change: (Int, String) -> String
    ) -> Table {
        var table = Table(kept.map { columns[$0] })
        var start = 0
        var row: [String] = []
        for (number, cell) in cells.enumerated() {
            defer { start = cell.end }
            // The headers are there already.
            guard number >= columns.count else { continue }
            let column = number % columns.count
            if column == 0 { row = [] }
            if kept.contains(column) {
                row.append(change(column, String(decoding: bytes[start..<cell.end], as: UTF8.self)))
            }
            if column == columns.count - 1 { table.add(row) }
        }
        return table
    }
}
