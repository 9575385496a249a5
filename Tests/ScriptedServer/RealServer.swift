import Glibc

/// The server that `Tools/object-store-server` runs tests beside, as the environment names it.
public enum RealServer {
    private static let variable = "KURA_TEST_BUCKET"

    public static var isThere: Bool { value(variable) != nil }

    /// Whether it keeps its word to several writers.
    public static var isShared: Bool { value("KURA_TEST_SHARED") != "no" }

    /// The address of a store in its bucket, with all endpoints.
    public static func address(_ prefix: String) -> String {
        let parts = (value(variable) ?? "").split(separator: "?", maxSplits: 1)
        let settings = parts.count > 1 ? "?\(parts[1])" : ""
        return "\(parts.first ?? "")/\(prefix)\(settings)"
    }

    /// Credentials of the server, or of none.
    public static var environment: [String: String] {
        [
            "AWS_ACCESS_KEY_ID": value("AWS_ACCESS_KEY_ID") ?? "test-access",
            "AWS_SECRET_ACCESS_KEY": value("AWS_SECRET_ACCESS_KEY") ?? "test-secret",
        ]
    }

    private static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
