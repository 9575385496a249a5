public import KuraIO
internal import KuraReplicas

/// Where a store in a bucket is:
/// `s3+https://HOST[:PORT]/BUCKET[/PREFIX][?region=R&style=path&endpoint=HOST:PORT]`.
///
/// It holds no secret: a URL with a user or a password is not accepted.
public struct BucketAddress: Hashable, Sendable, CustomStringConvertible {
    /// How the bucket is named in a request.
    public enum Style: String, Sendable {
        /// `HOST/BUCKET/KEY`
        case path
        /// `BUCKET.HOST/KEY`
        case virtualHost = "virtual"
    }

    /// A host that answers for the bucket.
    public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
        /// A name, an IPv4 address, or an IPv6 address in brackets.
        public var host: String
        /// Nil for the usual port of the scheme.
        public var port: Int?

        public var description: String { port.map { "\(host):\($0)" } ?? host }
    }

    public var isSecure: Bool
    /// At least one; requests go to the first, and the others are gateways to the same bucket.
    public var endpoints: [Endpoint]
    public var bucket: String
    /// What the names of all objects begin with, without a slash at its end; may be empty.
    public var prefix: String
    public var region: String
    public var style: Style

    public static let secureScheme = "s3+https"
    public static let plainScheme = "s3+http"

    /// Whether a text is meant as the address of a bucket.
    public static func isMeant(by text: String) -> Bool {
        [secureScheme, plainScheme].contains { text.hasPrefix("\($0)://") }
    }

    /// Throws `invalid input` with what is wrong.
    public init(_ text: String) throws(KuraError) {
        guard Self.isMeant(by: text), let start = text.firstRange(of: "://") else {
            throw Self.invalid("the address of a bucket begins with \(Self.secureScheme)://")
        }
        isSecure = text[..<start.lowerBound] == Self.secureScheme
        let parts = text[start.upperBound...].split(
            separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].split(
            separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard !path[0].contains("@") else {
            throw Self.invalid(
                "the address of a bucket holds no user and no secret: credentials have their place"
            )
        }
        let first = try Self.endpoint(path[0])
        endpoints = [first]
        bucket = path.count > 1 ? String(path[1]) : ""
        guard Self.isBucket(bucket) else {
            throw Self.invalid(
                "a bucket has a name of 3 to 63 letters, digits, dots and hyphens: \(text)")
        }
        var key = path.count > 2 ? path[2] : ""
        while key.hasSuffix("/") { key.removeLast() }
        guard StoreFolder.isValid(String(key)), !key.contains("#"), key.utf8.count <= 512 else {
            throw Self.invalid("the prefix of this address names no folder: \(text)")
        }
        prefix = String(key)
        region = Self.region(of: first.host)
        style = Self.style(of: first.host, bucket: bucket)
        if parts.count > 1 { try take(parts[1]) }
    }

    /// Takes the settings behind the question mark.
    private mutating func take(_ query: Substring) throws(KuraError) {
        for item in query.split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? pair[1] : ""
            switch pair[0] {
            case "region":
                guard !value.isEmpty, value.utf8.count <= 64, value.utf8.allSatisfy(Self.isPlain)
                else { throw Self.invalid("no region is called “\(value)”") }
                region = String(value)
            case "style":
                guard let style = Style(rawValue: String(value)) else {
                    throw Self.invalid("the style of an address is path or virtual, not “\(value)”")
                }
                self.style = style
            case "endpoint": endpoints.append(try Self.endpoint(value))
            default:
                throw Self.invalid(
                    "the address of a bucket has region, style and endpoint, not “\(pair[0])”")
            }
        }
    }

    public var description: String {
        var settings: [String] = []
        if region != Self.region(of: endpoints[0].host) { settings.append("region=\(region)") }
        if style != Self.style(of: endpoints[0].host, bucket: bucket) {
            settings.append("style=\(style.rawValue)")
        }
        settings += endpoints.dropFirst().map { "endpoint=\($0)" }
        return place + (settings.isEmpty ? "" : "?" + settings.joined(separator: "&"))
    }

    /// The address without its settings, for people.
    public var place: String {
        let scheme = isSecure ? Self.secureScheme : Self.plainScheme
        return "\(scheme)://\(endpoints[0])/\(bucket)" + (prefix.isEmpty ? "" : "/\(prefix)")
    }

    /// The key of an object of the store.
    func key(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix)/\(name)" }

    /// Whether what is sent leaves this machine in the clear.
    var isInTheClear: Bool {
        !isSecure && endpoints.contains { !Self.isThisMachine($0.host) }
    }

    // MARK: Parts

    private static func invalid(_ text: String) -> KuraError {
        KuraError(
            .invalidInput, text,
            remedy: .advice("write it as \(secureScheme)://HOST/BUCKET/PREFIX"))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isBucket(_ name: String) -> Bool {
        (3...63).contains(name.utf8.count) && name.utf8.allSatisfy(isPlain)
            && name.utf8.contains { $0 != UInt8(ascii: ".") }
    }

    private static func endpoint(_ text: Substring) throws(KuraError) -> Endpoint {
        var host = text
        var port: Int?
        let name =
            text.hasPrefix("[") ? text.firstIndex(of: "]").map { text.index(after: $0) } : nil
        if let colon = text[(name ?? text.startIndex)...].firstIndex(of: ":") {
            host = text[..<colon]
            port = Int(text[text.index(after: colon)...])
            guard let port, (1...65_535).contains(port) else {
                throw invalid("no port is in the address of the host \(host)")
            }
        }
        let isNumeric = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        let digits = isNumeric ? host.dropFirst().dropLast() : host
        let isGood = digits.utf8.allSatisfy {
            isNumeric ? $0 == UInt8(ascii: ":") || isPlain($0) : isPlain($0)
        }
        guard isGood, !host.isEmpty, host.utf8.count <= 253 else {
            throw invalid("no host is in the address of the bucket")
        }
        return Endpoint(host: host.lowercased(), port: port)
    }

    static func isThisMachine(_ host: String) -> Bool {
        host == "localhost" || host == "[::1]" || (isAddress(host) && host.hasPrefix("127."))
    }

    private static func isAddress(_ host: String) -> Bool {
        host.hasPrefix("[")
            || host.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
            }
    }

    /// `s3.eu-central-1.amazonaws.com` names its region; others take what is usual.
    private static func region(of host: String) -> String {
        let parts = host.split(separator: ".")
        guard host.hasSuffix(".amazonaws.com"), parts.count >= 4, parts[0] == "s3" else {
            return "us-east-1"
        }
        return String(parts[1] == "dualstack" && parts.count >= 5 ? parts[2] : parts[1])
    }

    /// A certificate for all names below a host does not hold for a bucket with a dot in its name.
    private static func style(of host: String, bucket: String) -> Style {
        host.hasSuffix(".amazonaws.com") && !bucket.contains(".") ? .virtualHost : .path
    }
}
