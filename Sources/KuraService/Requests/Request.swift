package import KuraPortal

/// What a client asks for, whatever way it came. Nothing of it is trusted.
package struct Request: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// Where it came in.
    package enum Source: Sendable, Equatable {
        /// A user of this machine, by the kernel's word.
        case user(id: UInt32)
        case address(String)

        package var text: String {
            switch self {
            case .user(let id): "uid \(id)"
            case .address(let address): address
            }
        }
    }

    package var method: Method
    /// Decoded, without empty parts.
    package var path: [String]
    package var query = FormValues()
    package var form = FormValues()
    package var source: Source
    /// Whether it came by TLS.
    package var isSecure = false
    package var cookies: [String: String] = [:]
    package var languages = ""
    package var host = ""
    package var origin: String?
    /// "same-origin", "cross-site" and so on; nil from clients that do not say it.
    package var fetchSite: String?

    package init(_ method: Method, _ path: [String], from source: Source) {
        self.method = method
        self.path = path
        self.source = source
    }

    /// The parts of a path and the query behind it. Nil for what is no path of a web page.
    /// - Parameter target: such as "/vaults/tokyo?lang=en".
    package init?(_ method: Method, target: String, from source: Source) {
        let sides = target.utf8.split(
            separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let raw = sides.first, raw.first == UInt8(ascii: "/") else { return nil }
        var parts: [String] = []
        for part in raw.split(separator: UInt8(ascii: "/")) {
            guard let text = PercentEncoding.text(part) else { return nil }
            parts.append(text)
        }
        self.init(method, parts, from: source)
        guard sides.count == 2 else { return }
        guard let query = FormValues(urlEncoded: sides[1]) else { return nil }
        self.query = query
    }

    /// Whether a page of another site made the browser send it.
    var isForeign: Bool {
        if let fetchSite { return fetchSite != "same-origin" && fetchSite != "none" }
        guard let origin else { return false }
        return origin != (isSecure ? "https://" : "http://") + host
    }

    /// The cookies of a header.
    package mutating func takeCookies(_ header: String) {
        for part in header.prefix(8192).split(separator: ";") {
            let sides = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, cookies.count < 50 else { continue }
            cookies[String(sides[0])] = cookies[String(sides[0])] ?? String(sides[1])
        }
    }
}

/// What a client gets.
package struct Answer: Sendable {
    package var status: Int
    package var type = "text/html; charset=utf-8"
    package var body = ""
    package var location: Link?
    package var cookies: [String] = []
    /// Whether the browser may keep it.
    package var isLasting = false
    package var retryAfter: Int?

    package init(_ status: Int, _ page: HTML) {
        self.status = status
        body = page.text
    }

    package init(_ status: Int, type: String, _ body: String) {
        self.status = status
        self.type = type
        self.body = body
    }

    /// After something was done: the browser gets the next page by a request of its own.
    package init(to link: Link) {
        status = 303
        location = link
    }

    /// Headers that every answer has.
    package var headers: [(String, String)] {
        var headers = [
            ("Content-Type", type), ("Content-Security-Policy", Self.policy),
            ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", isLasting ? "public, max-age=31536000, immutable" : "no-store"),
        ]
        if let location { headers.append(("Location", location.text)) }
        if let retryAfter { headers.append(("Retry-After", "\(retryAfter)")) }
        return headers + cookies.map { ("Set-Cookie", $0) }
    }

    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        + "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}
