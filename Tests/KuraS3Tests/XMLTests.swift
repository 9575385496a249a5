import KuraS3
import Testing

@Suite("Answers in XML are read with limits")
struct XMLTests {
    private func parse(_ text: String) -> XMLElement? { XMLElement.parse(Array(text.utf8)) }

    @Test("Elements, texts and entities are read; attributes and comments are passed over")
    func reads() throws {
        let root = try #require(
            parse(
                "<?xml version=\"1.0\"?>\n<!-- c --><a:List xmlns:a=\"x>y\">"
                    + "<Key>a&amp;b&#65;&#x42;</Key>"
                    + "<Empty/><Key><![CDATA[<raw>]]></Key></a:List>\n"))
        #expect(root.name == "List")
        #expect(root.all("Key").map(\.text) == ["a&bAB", "<raw>"])
        #expect(root.first("Empty")?.text == "")
        #expect(root.text("Missing") == "")
    }

    @Test(
        "What is no such document is nothing",
        arguments: [
            "", "text", "<", "<a", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a></a>text",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a>&x;</a>", "<a>&#1114112;</a>",
            "<a>&#xD800;</a>", "<a>&amp</a>", "<a b=\"></a>", "<a><![CDATA[x</a>", "<!-- <a></a>",
            "< a></ a>", "<html><body><br></body></html>", "\u{FEFF}x<a/>",
        ])
    func refuses(_ text: String) { #expect(parse(text) == nil) }

    @Test("Depth, number of elements and length have limits")
    func limits() {
        let depth = 17
        #expect(
            parse(
                String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth))
                == nil)
        #expect(parse("<a>" + String(repeating: "<b/>", count: 100_001) + "</a>") == nil)
        #expect(
            XMLElement.parse([UInt8](repeating: 0x20, count: XMLElement.bytesMax + 1)) == nil)
    }

    @Test("Every document that is cut or changed somewhere is read or refused")
    func damaged() {
        let whole = Array(
            "<?xml?><L><E><![CDATA[x]]></E><C a='b'>&lt;&#65;</C><!--c--><D/></L>".utf8)
        #expect(XMLElement.parse(whole) != nil)
        for place in whole.indices {
            #expect(XMLElement.parse(Array(whole[..<place])) == nil)
            for byte: UInt8 in [0, 0x26, 0x3C, 0x3E, 0x2F, 0x21, 0xFF] {
                var changed = whole
                changed[place] = byte
                _ = XMLElement.parse(changed)
            }
        }
    }
}
