internal import Foundation
internal import KuraIO

/// How the catalog keeps remedies and warnings of jobs: as text, with the remedies in JSON, so that
/// each front end can word them whenever it shows the job.
enum CatalogText {
    static func text(of remedy: Remedy) -> String? { json(remedy) }

    /// Catalogs of earlier versions have plain words instead. Of a remedy that only a newer version
    /// knows, nothing can be said.
    static func remedy(from text: String) -> Remedy? {
        text.first == "{" ? value(from: text) : .advice(text)
    }

    /// One line for each warning.
    static func text(of warnings: [Warning]) -> String {
        warnings.map { ($0.remedy == nil ? nil : json($0)) ?? $0.message }
            .joined(separator: "\n")
    }

    static func warnings(from text: String) -> [Warning] {
        text.split(separator: "\n").map { line in
            (line.first == "{" ? value(from: String(line)) : nil) ?? Warning(String(line))
        }
    }

    private static func json(_ value: some Encodable) -> String? {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            return nil
        }
    }

    private static func value<T: Decodable>(from text: String) -> T? {
        do {
            return try JSONDecoder().decode(T.self, from: Data(text.utf8))
        } catch {
            return nil
        }
    }
}
