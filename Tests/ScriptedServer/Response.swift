import Glibc

struct Response {
    var status = 200
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    static func xml(_ text: String) -> Response {
        Response(headers: ["Content-Type": "application/xml"], body: Array(text.utf8))
    }

    static func error(_ status: Int, _ code: String) -> Response {
        var response = xml(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>\(code)</Code>"
                + "<Message>words of the server</Message><RequestId>1</RequestId></Error>")
        response.status = status
        return response
    }

    /// - Parameter isHead: whether the body is left out, and its length is not.
    func encoded(isHead: Bool) -> [UInt8] {
        var text = "HTTP/1.1 \(status) Words\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            text += "\(name): \(value)\r\n"
        }
        if headers["Content-Length"] == nil { text += "Content-Length: \(body.count)\r\n" }
        return Array((text + "\r\n").utf8) + (isHead ? [] : body)
    }

    /// A time as headers have it.
    static func date(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var buffer = [CChar](repeating: 0, count: 64)
        withUnsafeTemporaryAllocation(of: tm.self, capacity: 1) { parts in
            guard let parts = gmtime_r(&time, parts.baseAddress!) else { return }
            strftime(&buffer, 64, "%a, %d %b %Y %H:%M:%S GMT", parts)
        }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension ScriptedServer.Request {
    /// - Parameter target: a path with the bucket first, and a query.
    init(method: String, target: Substring, headers: [String: String], body: [UInt8]) {
        let parts = target.split(separator: "?", maxSplits: 1)
        // Named in the host, or as the first part of the path.
        let host = headers["host"]?.split(separator: ":").first ?? ""
        let bucket = host.hasSuffix(".localhost") ? host.dropLast(".localhost".count) + "/" : ""
        let path = (bucket + parts[0].dropFirst()).split(
            separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var query: [String: String] = [:]
        for item in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = item.split(separator: "=", maxSplits: 1)
            query[Self.decoded(pair[0])] = pair.count > 1 ? Self.decoded(pair[1]) : ""
        }
        self.init(
            method: method, key: path.count > 1 ? Self.decoded(path[1]) : "", query: query,
            headers: headers, body: body, number: 0)
        self.headers["x-bucket"] = path.first.map { String($0) }
    }

    static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
