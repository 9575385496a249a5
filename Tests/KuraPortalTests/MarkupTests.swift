import KuraPortal
import Testing

@Suite("Markup")
struct MarkupTests {
    @Test("Values are escaped, markup and links are not, whatever they are called")
    func escaping() {
        let name = "<b>\"A & B's\"</b>"
        let part: HTML = "<i>\(name)</i>"
        #expect(part.text == "<i>&lt;b&gt;&quot;A &amp; B&#39;s&quot;&lt;/b&gt;</i>")
        #expect(("<p>\(part)\([part])\(3)</p>" as HTML).text == "<p>\(part.text)\(part.text)3</p>")
    }

    @Test("What no document may have, or what turns text around, becomes U+FFFD")
    func controlCharacters() {
        let text = "a\u{0}\u{7}\u{1b}\u{85}\u{202e}\u{2066}b\nc"
        #expect(("\(text)" as HTML).text == "a" + String(repeating: "\u{fffd}", count: 6) + "b\nc")
    }

    @Test("No name leads a link to another path, query or server")
    func links() {
        #expect(Link("vaults", "a/../b?c#d").text == "/vaults/a%2F..%2Fb%3Fc%23d")
        #expect(Link("vaults", "..").text == "/vaults/%2E%2E")
        #expect(Link("a", query: [("k&", "v=1+ü")]).text == "/a?k%26=v%3D1%2B%C3%BC")
        #expect(Link.home.text == "/")
    }

    @Test("A command is quoted so that a shell takes each word as it is")
    func commands() {
        let command = CommandLine("vm", "backup", "web 1", "it's", "", "a-b_c.d/e:1")
        #expect(command.text == "kura vm backup 'web 1' 'it'\\''s' '' a-b_c.d/e:1")
    }

    @Test("Sizes and durations read well, and impossible ones do not trap")
    func figures() {
        #expect(Figures.bytes(999) == "999 B")
        #expect(Figures.bytes(1_610_612_736) == "1.5 GiB")
        #expect(Figures.bytes(.max) == "16.0 EiB")
        #expect(Figures.duration(12.34) == "12.3 s")
        #expect(Figures.duration(3723) == "1:02:03")
        #expect(Figures.duration(.nan) == "-")
        #expect(Figures.duration(.infinity) == "-")
    }
}
