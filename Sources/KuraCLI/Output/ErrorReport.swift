import KuraIO

extension Terminal {
    /// Writes an error to standard error, in the form that was asked for.
    static func error(_ error: KuraError, json: Bool) {
        Self.error(
            code: error.code.rawValue, error.message, remedy: error.remedy?.text, json: json)
    }

    static func error(code: String, _ message: String, remedy: String?, json: Bool) {
        guard json else { return Self.error(message, remedy: remedy) }
        let document: JSON = [
            "error": ["code": .string(code), "message": .string(message), "remedy": JSON(remedy)]
        ]
        writeError(document.text(pretty: false) + "\n")
    }
}
