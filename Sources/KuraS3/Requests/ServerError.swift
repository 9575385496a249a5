/// What a server said about a request that it did not do.
struct ServerError: Equatable, Sendable {
    var status: Int
    /// The code of S3: "NoSuchKey"; empty where the answer has none.
    var code: String
    /// In the server's words, cleaned.
    var message: String
    /// The server's clock, where it tells: a value of the header `Date`.
    var date: String?

    private static let messageLengthMax = 300

    /// - Parameter answer: with a body that may hold anything.
    init(_ answer: HTTPAnswer, _ credentials: S3Credentials) {
        let root = XMLElement.parse(answer.body).flatMap { $0.name == "Error" ? $0 : nil }
        self.init(
            status: answer.status, root, date: answer.headers["date"], credentials)
    }

    init(
        status: Int, _ element: XMLElement?, date: String? = nil, _ credentials: S3Credentials
    ) {
        self.status = status
        code = Self.clean(element?.text("Code") ?? "", credentials)
        message = Self.clean(element?.text("Message") ?? "", credentials)
        self.date = date.map { Self.clean($0, credentials) }
    }

    /// On one line, of printable characters, not too long, and without secrets.
    private static func clean(_ text: String, _ credentials: S3Credentials) -> String {
        let line = text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
                || scalar.value == 0x2028 || scalar.value == 0x2029
                ? " " : String(Character(scalar))
        }.joined()
        let cut = credentials.redacted(line).prefix(messageLengthMax)
        return cut.split(separator: " ").joined(separator: " ")
    }

    // MARK: What it means

    /// Whether the server says that there is no such object. A 404 alone does not: it may be the
    /// bucket, or no S3 server at all.
    var isNoSuchObject: Bool { status == 404 && code == "NoSuchKey" }

    var isPreconditionFailed: Bool { status == 412 }

    var isNoSuchUpload: Bool { code == "NoSuchUpload" }

    /// Whether the server asks for fewer requests.
    var asksForLess: Bool {
        status == 429 || code == "SlowDown" || code == "Throttling"
            || code == "RequestLimitExceeded"
            || code == "TooManyRequests"
    }

    /// Whether another try may succeed.
    var isPassing: Bool {
        switch status {
        case 408, 429, 500, 502, 503, 504: return true
        default: break
        }
        return Self.passing.contains(code)
    }

    /// Whether the server may have done it all the same.
    var isUnclear: Bool {
        isPassing && !asksForLess && (status >= 500 || status == 200 || code == "RequestTimeout")
    }

    private static let passing: Set<String> = [
        // Another writer was at the same name: no answer about who is first.
        "ConditionalRequestConflict", "OperationAborted",
        // The body did not arrive as it was sent.
        "BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch",
        "InternalError", "ServiceUnavailable", "SlowDown", "Throttling", "TooManyRequests",
        "RequestLimitExceeded",
    ]
}
