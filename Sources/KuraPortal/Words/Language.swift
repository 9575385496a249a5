/// A language of the portal.
package enum Language: String, Sendable, CaseIterable {
    case ja
    case en

    /// What its own speakers call it.
    package var title: String {
        switch self {
        case .ja: "日本語"
        case .en: "English"
        }
    }

    /// The first of a browser's languages that there is; Japanese where none is.
    /// - Parameter header: such as "en-GB,en;q=0.9,ja;q=0.1". Weights are taken to descend, as
    ///   browsers send them.
    package init(accepting header: String) {
        let known = header.prefix(200).split(separator: ",").lazy.compactMap { part in
            let tag = part.drop { $0 == " " }.prefix { $0.isLetter }
            return Language(rawValue: tag.lowercased())
        }
        self = known.first ?? .ja
    }
}

/// A word or a sentence of the portal, in both languages: there is none without the other.
package struct Word: Sendable, Equatable {
    package let ja: String
    package let en: String

    init(_ ja: String, _ en: String) {
        self.ja = ja
        self.en = en
    }

    package func callAsFunction(in language: Language) -> String {
        switch language {
        case .ja: ja
        case .en: en
        }
    }
}
