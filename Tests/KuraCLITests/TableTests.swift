import KuraCLI
import Testing

@Suite("Tables")
struct TableTests {
    @Test(
        "Texts are measured in columns of a terminal",
        arguments: [
            ("web", 3), ("", 0), ("é", 1), ("e\u{301}", 1), ("仮想マシン一号", 14), ("한국", 4),
            ("ﾊﾛｰ", 3), ("Ｗ", 2), ("\u{1F4BE}", 2), ("a\u{200B}b", 2), ("—", 1), ("😀x", 3),
        ])
    func widths(_ text: String, _ columns: Int) {
        #expect(DisplayWidth.of(text) == columns)
    }

    @Test("Long names lose their middle, and wide characters are never cut in half")
    func shortened() {
        #expect(DisplayWidth.shortened("web", to: 3) == "web")
        #expect(DisplayWidth.shortened("database-server-1", to: 9) == "data…er-1")
        #expect(DisplayWidth.shortened("abcdef", to: 1) == "…")
        for columns in 0...14 {
            let text = DisplayWidth.shortened("仮想マシン一号", to: columns)
            #expect(DisplayWidth.of(text) <= columns, "\(text)")
        }
        #expect(DisplayWidth.shortened("仮想マシン一号", to: 9) == "仮想…一号")
    }

    @Test("Columns line up by what is seen")
    func lines() {
        var table = Table([("name", .left), ("size", .right), ("state", .left)])
        table.add(["仮想", "5", "x"])
        table.add(["web-1", "10", "y"])
        #expect(
            table.text == """
                NAME   SIZE  STATE
                仮想      5  x
                web-1    10  y
                """)
    }

    private func wide() -> Table {
        var table = Table([
            ("id", .left), ("item", .left), ("size", .right), ("consistency", .left),
        ])
        table.add(["3f2a91c0", "database-server-of-the-shop", "6.0 GiB", "crash-consistent"])
        table.add(["571fd45b", "web", "19.1 MiB", "application-consistent"])
        return table
    }

    @Test("A table that is too wide loses the middle of names, then columns", arguments: 36...80)
    func fitting(_ columns: Int) {
        let text = wide().fitting(columns, shortening: ["item"], leavingOut: ["consistency"]).text
        for line in text.split(separator: "\n") {
            #expect(DisplayWidth.of(String(line)) <= columns, "\(line)")
            #expect(line.contains("SIZE") || line.contains("GiB") || line.contains("MiB"))
        }
        #expect(text.contains("3f2a91c0") && text.contains("19.1 MiB"))
    }

    @Test("A column with short names is no narrower than its header, so another one goes")
    func headers() {
        var table = Table([
            ("name", .left), ("cloud service", .left), ("last backup", .left), ("status", .left),
        ])
        table.add(["db-1", "web", "2026-11-30", "Protected"])
        let text = table.fitting(
            35, shortening: ["name", "cloud service"], leavingOut: ["last backup"]
        ).text
        #expect(text == "NAME  CLOUD SERVICE  STATUS\ndb-1  web            Protected")
    }

    @Test("A table that fits stays as it is")
    func fits() {
        let table = wide()
        #expect(table.fitting(200, shortening: ["item"]).text == table.text)
    }

    @Test("What a terminal would obey or hide is escaped in cells")
    func escaped() {
        var table = Table([("name", .left)])
        table.add(["a\u{202E}b\u{200B}c\u{2028}d\u{E0041}\u{1D173}"])
        #expect(
            table.text == "NAME\na\\u202eb\\u200bc\\u2028d\\udb40\\udc41\\ud834\\udd73")
    }
}
