public import KuraIO
public import SystemPackage

/// Finds the credentials for a bucket: in the environment, in the home's file `credentials`, and in
/// the profile files of AWS, in this order.
public struct CredentialSearch: Sendable {
    /// The caller's environment variables.
    private let environment: [String: String]
    /// The home of Kura; nil where there is none.
    private let home: FilePath?
    private let fileSystem: any FileSystem

    private static let fileBytesMax = 1 << 20
    private static let fileName = "credentials"

    public init(
        environment: [String: String], home: FilePath?,
        fileSystem: any FileSystem = LocalFileSystem()
    ) {
        self.environment = environment
        self.home = home
        self.fileSystem = fileSystem
    }

    /// Throws `refused` where others can read the home's file, and `not found` where nothing is.
    public func credentials(for address: BucketAddress) throws(KuraError) -> S3Credentials {
        if let found = try inEnvironment() { return found }
        if let found = try inHome(for: address) { return found }
        if let found = try inProfile() { return found }
        throw KuraError(
            .notFound, "no credentials for \(address.place)",
            remedy: .advice(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write access-key and "
                    + "secret-key to \(home.map { "\($0)/" } ?? "")\(Self.fileName), "
                    + "which only you may read"))
    }

    // MARK: Places

    private func inEnvironment() throws(KuraError) -> S3Credentials? {
        try Self.credentials(
            access: environment["AWS_ACCESS_KEY_ID"], secret: environment["AWS_SECRET_ACCESS_KEY"],
            token: environment["AWS_SESSION_TOKEN"], place: "the environment")
    }

    private func inHome(for address: BucketAddress) throws(KuraError) -> S3Credentials? {
        guard let path = home?.appending(Self.fileName) else { return nil }
        guard let file = try file(path, isPrivate: true) else { return nil }
        let host = address.endpoints[0].description
        for section in ["\(host)/\(address.bucket)", host, "default"] {
            if let found = try file.credentials(section, path) { return found }
        }
        return nil
    }

    private func inProfile() throws(KuraError) -> S3Credentials? {
        let profile = environment["AWS_PROFILE"] ?? "default"
        let folder = environment["HOME"].map { FilePath($0).appending(".aws") }
        let places: [(path: FilePath?, section: String)] = [
            (
                environment["AWS_SHARED_CREDENTIALS_FILE"].map { FilePath($0) }
                    ?? folder?.appending("credentials"), profile
            ),
            (
                environment["AWS_CONFIG_FILE"].map { FilePath($0) } ?? folder?.appending("config"),
                profile == "default" ? profile : "profile \(profile)"
            ),
        ]
        for (path, section) in places {
            guard let path, let file = try file(path, isPrivate: false) else { continue }
            if let found = try file.credentials(section, path) { return found }
        }
        return nil
    }

    /// Nil where the file is missing.
    private func file(_ path: FilePath, isPrivate: Bool) throws(KuraError) -> CredentialFile? {
        do throws(IOError) {
            if isPrivate {
                let status = try fileSystem.status(path)
                guard status.mode & 0o077 == 0 else {
                    throw IOError(
                        "use", place: path.string, .permissionDenied, detail: "others may read it",
                        advice: "run: chmod 600 \(path)")
                }
            }
            return CredentialFile(try fileSystem.contents(path, max: Self.fileBytesMax))
        } catch {
            if error.isNotFound { return nil }
            guard isPrivate, error.advice != nil else { throw KuraError(io: error) }
            throw KuraError(
                .refused, error.description, remedy: error.advice.map { .advice($0) }, cause: error)
        }
    }

    fileprivate static func credentials(
        access: String?, secret: String?, token: String?, place: String
    ) throws(KuraError) -> S3Credentials? {
        switch (access.flatMap(filled), secret.flatMap(filled)) {
        case (nil, nil): return nil
        case (let access?, let secret?):
            return S3Credentials(
                accessKey: access, secretKey: secret, sessionToken: token.flatMap(filled))
        case (nil, _):
            throw KuraError(.invalidInput, "\(place) has a secret key without its access key")
        case (_, nil):
            throw KuraError(.invalidInput, "\(place) has an access key without its secret key")
        }
    }

    private static func filled(_ text: String) -> String? { text.isEmpty ? nil : text }
}

/// Sections of lines `name = value`, as the profile files of AWS have them.
private struct CredentialFile {
    private var sections: [String: [String: String]] = [:]

    init(_ bytes: [UInt8]) {
        var section = "default"
        for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            let text = Self.trimmed(String(decoding: line, as: UTF8.self)[...])
            if text.isEmpty || text.hasPrefix("#") || text.hasPrefix(";") { continue }
            if text.hasPrefix("["), text.hasSuffix("]") {
                section = String(Self.trimmed(text.dropFirst().dropLast()))
                continue
            }
            let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { continue }
            let name = Self.trimmed(pair[0]).lowercased()
            sections[section, default: [:]][name] = String(Self.trimmed(pair[1]))
        }
    }

    func credentials(_ section: String, _ path: FilePath) throws(KuraError) -> S3Credentials? {
        guard let values = sections[section] else { return nil }
        return try CredentialSearch.credentials(
            access: values["access-key"] ?? values["aws_access_key_id"],
            secret: values["secret-key"] ?? values["aws_secret_access_key"],
            token: values["session-token"] ?? values["aws_session_token"],
            place: "section [\(section)] of \(path)")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
