/// What a browser sent with a form, or in the query of a link. Not trusted.
package struct FormValues: Sendable, Equatable {
    /// In the order in which they were sent.
    package var pairs: [(name: String, value: String)] = []

    package static let pairsMax = 2000

    package init() {}

    package init(_ pairs: [(String, String)]) { self.pairs = pairs.map { ($0.0, $0.1) } }

    /// Parses application/x-www-form-urlencoded. Nil for what is none: wrong escapes, bytes that
    /// are no UTF-8, too many values.
    package init?(urlEncoded text: some Collection<UInt8>) {
        for part in text.split(separator: UInt8(ascii: "&")) {
            guard pairs.count < Self.pairsMax else { return nil }
            let sides = part.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.text(sides[0], plusIsBlank: true),
                let value = PercentEncoding.text(
                    sides.count == 2 ? Array(sides[1]) : [], plusIsBlank: true)
            else { return nil }
            pairs.append((name, value))
        }
    }

    package static func == (left: FormValues, right: FormValues) -> Bool {
        left.pairs.elementsEqual(right.pairs) { $0 == $1 }
    }

    /// The first value of that name, without blanks around it; nil where there is none.
    package subscript(name: String) -> String? {
        pairs.first { $0.name == name }.map { Self.trimmed($0.value) }
    }

    /// Likewise, as it was typed; empty where there is none.
    package func exact(_ name: String) -> String {
        pairs.first { $0.name == name }?.value ?? ""
    }

    /// Every value of that name.
    package func all(_ name: String) -> [String] {
        pairs.filter { $0.name == name }.map { Self.trimmed($0.value) }
    }

    /// Nil also for an empty one.
    package func filled(_ name: String) -> String? {
        self[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop { $0.isWhitespace }
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}

/// Percent-encoding as forms and paths have it.
package enum PercentEncoding {
    /// Nil for wrong escapes, and for bytes that are no UTF-8 or that no text has.
    package static func text(
        _ bytes: some Collection<UInt8>, plusIsBlank: Bool = false
    ) -> String? {
        var decoded: [UInt8] = []
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit)
                else { return nil }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsBlank: decoded.append(UInt8(ascii: " "))
            default: decoded.append(byte)
            }
        }
        guard !decoded.contains(0) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
