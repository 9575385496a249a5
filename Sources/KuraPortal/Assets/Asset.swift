/// A file that the browser keeps: its name changes with its content.
package struct Asset: Sendable {
    package let name: String
    package let type: String
    package let content: String
    package let link: Link

    init(_ name: String, type: String, _ content: String) {
        // FNV-1a: it tells versions apart, and nothing depends on it being hard to guess.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in content.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let version = String(hash, radix: 36)
        self.name = name
        self.type = type
        self.content = content
        link = Link("assets", name, query: [("v", version)])
    }

    package static let all = [StyleSheet.asset, Script.asset, Icon.asset]
}

enum Icon {
    static let asset = Asset(
        "kura.svg", type: "image/svg+xml",
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#8a3b12" \
        d="M16 2 2 12v3h28v-3z"/><path fill="#d9a441" d="M5 16h22v13H5z"/>\
        <path fill="#5b2509" d="M12 20h8v9h-8z"/></svg>
        """)
    static var link: Link { asset.link }
}
