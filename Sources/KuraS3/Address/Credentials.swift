/// What signs requests. It never shows itself: not in texts, dumps, logs or errors.
public struct S3Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    let accessKey: String
    let secretKey: String
    /// Of credentials that end by themselves.
    let sessionToken: String?

    public init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    public var description: String { "credentials" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }

    /// A text of a server without what is secret in it.
    func redacted(_ text: String) -> String {
        [secretKey, sessionToken, accessKey].reduce(text) { text, secret in
            guard let secret, !secret.isEmpty else { return text }
            return text.replacing(secret, with: "***")
        }
    }
}
