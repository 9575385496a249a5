internal import KuraCodec
internal import KuraFormat

/// Signature version 4 of AWS, which every S3 server checks.
///
/// The one of libcurl 7.88 is not used: it signs neither unsorted queries nor names with `=` as
/// servers do, and it leaves the hash of a body out.
package struct RequestSignature {
    private let region: String
    private let service: String

    package init(region: String, service: String = "s3") {
        self.region = region
        self.service = service
    }

    /// When a request is made, in the two forms that a signature has.
    package struct Moment {
        /// `20130524T000000Z`
        let text: String
        var day: Substring { text.prefix(8) }

        /// - Parameter time: in nanoseconds since 1970.
        package init(_ time: Int64) {
            let seconds = max(0, time) / 1_000_000_000
            let (year, month, day) = Self.date(day: seconds / 86_400)
            let rest = seconds % 86_400
            text =
                Self.digits(year, 4) + Self.digits(month, 2) + Self.digits(day, 2) + "T"
                + Self.digits(rest / 3600, 2) + Self.digits(rest / 60 % 60, 2)
                + Self.digits(rest % 60, 2) + "Z"
        }

        private static func digits(_ value: Int64, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }

        /// The Gregorian date of a day since 1970, counted in eras of 400 years from March of 0.
        private static func date(day: Int64) -> (Int64, Int64, Int64) {
            let shifted = day + 719_468
            let era = shifted / 146_097
            let dayOfEra = shifted % 146_097
            let year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
            let month = (5 * dayOfYear + 2) / 153
            let number = month < 10 ? month + 3 : month - 9
            return (
                year + era * 400 + (number <= 2 ? 1 : 0), number,
                dayOfYear - (153 * month + 2) / 5 + 1
            )
        }
    }

    /// What is signed of a request.
    package struct Request {
        var method: String
        /// Percent-encoded, with a slash at its start.
        var path: String
        /// Not encoded, in any order.
        var query: [(name: String, value: String)]
        /// With `host`; names in lower case.
        var headers: [(name: String, value: String)]
        /// SHA-256 of the body in hexadecimal digits.
        var payload: String

        package init(
            method: String, path: String, query: [(name: String, value: String)],
            headers: [(name: String, value: String)], payload: String
        ) {
            self.method = method
            self.path = path
            self.query = query
            self.headers = headers
            self.payload = payload
        }
    }

    private func canonical(_ request: Request) -> String {
        let headers = Self.sorted(request.headers)
        return
            ([request.method, request.path, Self.query(request.query)]
            + headers.map { "\($0.name):\(Self.folded($0.value))" }
            + ["", headers.map(\.name).joined(separator: ";"), request.payload])
            .joined(separator: "\n")
    }

    private func textToSign(_ request: Request, at moment: Moment) -> String {
        let digest = ChunkHasher.digest(Array(canonical(request).utf8)).hex
        return "AWS4-HMAC-SHA256\n\(moment.text)\n\(scope(moment))\n\(digest)"
    }

    /// The value of the header `Authorization`.
    package func authorization(
        _ request: Request, at moment: Moment, by credentials: S3Credentials
    ) -> String {
        let names = Self.sorted(request.headers).map(\.name).joined(separator: ";")
        let key = ["\(moment.day)", region, service, "aws4_request"]
            .reduce(Array("AWS4\(credentials.secretKey)".utf8)) { key, part in
                MessageCode.code(part, key: key)
            }
        let code = MessageCode.hex(MessageCode.code(textToSign(request, at: moment), key: key))
        return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope(moment)), "
            + "SignedHeaders=\(names), Signature=\(code)"
    }

    private func scope(_ moment: Moment) -> String {
        "\(moment.day)/\(region)/\(service)/aws4_request"
    }

    /// A query as it is signed and sent: encoded, and sorted by the bytes of its encoded names.
    static func query(_ items: [(name: String, value: String)]) -> String {
        items.map { (PercentCoding.encoded($0.name), PercentCoding.encoded($0.value)) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func sorted(
        _ headers: [(name: String, value: String)]
    ) -> [(name: String, value: String)] { headers.sorted { $0.name < $1.name } }

    /// Without spaces at both ends, and with one where several follow each other.
    private static func folded(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }
}
