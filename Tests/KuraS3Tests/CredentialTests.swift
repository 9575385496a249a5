import KuraFormat
import KuraIO
import KuraReplicas
import KuraS3
import ScriptedServer
import SystemPackage
import TestSupport
import Testing

@Suite("Credentials are found, and stay hidden")
struct CredentialTests {
    private let address = "s3+https://store.example/vaults/p"

    /// The access key that is found, read off a signature: nothing else shows it.
    private func accessKey(
        _ environment: [String: String], home: FilePath? = nil
    ) throws -> String {
        let search = CredentialSearch(environment: environment, home: home)
        let credentials = try search.credentials(for: BucketAddress(address))
        let request = RequestSignature.Request(
            method: "GET", path: "/", query: [], headers: [], payload: "")
        let text = RequestSignature(region: "r").authorization(
            request, at: RequestSignature.Moment(0), by: credentials)
        return String(text.split(separator: "Credential=")[1].split(separator: "/")[0])
    }

    private func write(_ path: FilePath, _ text: String, mode: FilePermissions) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: mode)
        try file.closeAfter { _ = try file.writeAll(Array(text.utf8)) }
    }

    private func section(_ name: String, _ key: String) -> String {
        "[\(name)]\naccess-key = \(key)\nsecret-key=s\n"
    }

    @Test("The environment comes before the home, and the home before the profile")
    func order() throws {
        try withTemporaryDirectory { folder in
            var environment = ["HOME": folder.string]
            try LocalFileSystem().makeDirectory(folder.appending(".aws"))
            try write(
                folder.appending(".aws").appending("credentials"),
                "[default]\naws_access_key_id = PROFILE\naws_secret_access_key = s\n",
                mode: [.ownerReadWrite])
            #expect(try accessKey(environment, home: folder) == "PROFILE")
            try write(
                folder.appending("credentials"), section("default", "HOME"),
                mode: [.ownerReadWrite])
            #expect(try accessKey(environment, home: folder) == "HOME")
            environment["AWS_ACCESS_KEY_ID"] = "ENVIRONMENT"
            environment["AWS_SECRET_ACCESS_KEY"] = "s"
            #expect(try accessKey(environment, home: folder) == "ENVIRONMENT")
        }
    }

    @Test("The section of a bucket comes before that of its host and the default")
    func sections() throws {
        try withTemporaryDirectory { folder in
            let text =
                section("default", "DEFAULT") + "# a comment\n"
                + section("store.example", "HOST")
            try write(folder.appending("credentials"), text, mode: [.ownerReadWrite])
            #expect(try accessKey([:], home: folder) == "HOST")
            try write(
                folder.appending("credentials"),
                text + section("store.example/vaults", "BUCKET"), mode: [.ownerReadWrite])
            #expect(try accessKey([:], home: folder) == "BUCKET")
        }
    }

    @Test("A profile that is named is used, also from the file of settings")
    func profile() throws {
        try withTemporaryDirectory { folder in
            let path = folder.appending("config")
            try write(
                path, "[profile night]\naws_access_key_id=NIGHT\naws_secret_access_key=s\n",
                mode: [.ownerReadWrite])
            #expect(
                try accessKey(["AWS_PROFILE": "night", "AWS_CONFIG_FILE": path.string]) == "NIGHT")
        }
    }

    @Test("A file of the home that others can read is refused")
    func permissions() throws {
        try withTemporaryDirectory { folder in
            try write(
                folder.appending("credentials"), section("default", "HOME"),
                mode: [.ownerReadWrite, .groupRead])
            let error = #expect(throws: KuraError.self) { try accessKey([:], home: folder) }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("credentials") == true)
        }
    }

    @Test("Without credentials it is said where they belong")
    func missing() throws {
        let error = #expect(throws: KuraError.self) { try accessKey([:]) }
        #expect(error?.code == .notFound)
        #expect(error?.remedy != nil)
    }

    @Test("Half of the credentials are an error, and are not shown")
    func half() throws {
        let error = #expect(throws: KuraError.self) {
            try accessKey(["AWS_ACCESS_KEY_ID": "canary"])
        }
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("canary") == false)
    }

    @Test("Credentials show nothing of themselves")
    func hidden() {
        let credentials = S3Credentials(
            accessKey: "canary-a", secretKey: "canary-s", sessionToken: "canary-t")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in [dumped, "\(credentials)", String(reflecting: credentials)] {
            #expect(!text.contains("canary"))
        }
    }

    @Test("A server that repeats secrets does not get them into an error")
    func repeated() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        server.inject { _ in
            .document(
                "<Error><Code>canary-secret</Code><Message>you are canary-access with canary-secret"
                    + " and canary-token \u{1B}[31m</Message></Error>", status: 403)
        }
        let credentials = S3Credentials(
            accessKey: "canary-access", secretKey: "canary-secret", sessionToken: "canary-token")
        let store = S3Store(
            try BucketAddress(server.address("p")), credentials, abilities: .standard)
        let error = #expect(throws: IOError.self) { try store.open(StoreName("a")) }
        let text = "\(error!) \(KuraError(io: error!)) \(String(reflecting: error!))"
        #expect(!text.contains("canary"))
        #expect(!text.contains("\u{1B}"))
        #expect(text.contains("you are *** with *** and ***"))
    }
}
