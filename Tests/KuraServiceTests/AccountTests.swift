import KuraIO
import KuraPortal
import KuraService
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Accounts and sessions")
struct AccountTests {
    private static let password = "correct horse battery"

    private func accounts(
        _ directory: FilePath, _ clock: WallClock = .system
    ) throws -> Accounts {
        try Accounts(ServerDatabase(home: directory), clock: clock)
    }

    private func secret(_ signIn: Accounts.SignIn) throws -> String {
        guard case .done(let secret) = signIn else {
            throw KuraError(.refused, "not signed in: \(signIn)")
        }
        return secret
    }

    @Test(
        "Only the right password signs in, and the database tells neither it nor the session"
    )
    func signIn() throws {
        try withTemporaryDirectory { directory in
            let accounts = try accounts(directory)
            try accounts.add("mika", .operator, password: Self.password)
            #expect(try accounts.signIn("mika", password: "wrong", from: "a") == .wrong)
            #expect(try accounts.signIn("nobody", password: Self.password, from: "a") == .wrong)
            let secret = try secret(
                accounts.signIn("mika", password: Self.password, from: "a"))
            let session = try #require(try accounts.session(of: secret))
            #expect(session.account == "mika")
            #expect(session.role == .operator)
            #expect(try accounts.session(of: String(secret.reversed())) == nil)
            for ending in ["", "-wal"] {
                let path = FilePath(directory.appending(ServerDatabase.fileName).string + ending)
                let bytes = try LocalFileSystem().contents(path, max: 1 << 24)
                #expect(bytes.firstRange(of: Array(secret.utf8)) == nil)
                #expect(bytes.firstRange(of: Array(Self.password.utf8)) == nil)
            }
        }
    }

    @Test("After five failures in a minute even the right password waits; other addresses do not")
    func tries() throws {
        try withTemporaryDirectory { directory in
            let accounts = try accounts(directory)
            try accounts.add("mika", .reader, password: Self.password)
            for _ in 0..<5 {
                #expect(try accounts.signIn("mika", password: "wrong", from: "a") == .wrong)
            }
            #expect(
                try accounts.signIn("mika", password: Self.password, from: "a") == .tooManyTries)
            _ = try secret(accounts.signIn("mika", password: Self.password, from: "b"))
        }
    }

    @Test(
        "A session ends after an idle half hour, after twelve hours, and when it is ended"
    )
    func sessionEnds() throws {
        try withTemporaryDirectory { directory in
            let now = Mutex<Int64>(0)
            let minute: Int64 = 60_000_000_000
            let accounts = try accounts(directory, WallClock { now.withLock { $0 } })
            try accounts.add("mika", .reader, password: Self.password)
            let idle = try secret(accounts.signIn("mika", password: Self.password, from: "a"))
            now.withLock { $0 = 31 * minute }
            #expect(try accounts.session(of: idle) == nil)

            let busy = try secret(accounts.signIn("mika", password: Self.password, from: "a"))
            for _ in 0..<34 {
                now.withLock { $0 += 21 * minute }
                #expect(try accounts.session(of: busy) != nil)
            }
            now.withLock { $0 += 21 * minute }
            #expect(try accounts.session(of: busy) == nil)

            let third = try secret(accounts.signIn("mika", password: Self.password, from: "a"))
            let id = try #require(try accounts.session(of: third)).id
            try accounts.end(id, of: "somebody-else")
            #expect(try accounts.session(of: third) != nil)
            try accounts.end(id, of: "mika")
            #expect(try accounts.session(of: third) == nil)
        }
    }

    @Test("The last owner stays, and an account that is deleted takes its sessions with it")
    func deletion() throws {
        try withTemporaryDirectory { directory in
            let accounts = try accounts(directory)
            try accounts.add("owner", .owner, password: Self.password)
            try accounts.add("mika", .reader, password: Self.password)
            let secret = try secret(accounts.signIn("mika", password: Self.password, from: "a"))
            #expect(throws: KuraError.self) { try accounts.remove("owner") }
            try accounts.remove("mika")
            #expect(try accounts.session(of: secret) == nil)
            #expect(try accounts.all().map(\.name) == ["owner"])
        }
    }

    @Test(
        "Names and passwords that are easily mistaken or guessed are refused",
        arguments: [
            ("A", "correct horse battery"), ("mika", "short"), ("mi ka", "correct horse battery"),
            ("mika-mika-mika", "mika-mika-mika"), ("ｍｉｋａ", "correct horse battery"),
        ])
    func refused(name: String, password: String) throws {
        try withTemporaryDirectory { directory in
            let accounts = try accounts(directory)
            #expect(throws: KuraError.self) {
                try accounts.add(name, .owner, password: password)
            }
            #expect(accounts.firstLink != nil)
        }
    }

    @Test("The database and the key of a certificate are readable by this user alone")
    func rights() throws {
        try withTemporaryDirectory { directory in
            _ = try accounts(directory)
            let made = try SelfMadeCertificate.ofHome(directory, host: "kura.example")
            #expect(made.fingerprint.count == 32 * 3 - 1)
            let again = try SelfMadeCertificate.ofHome(directory, host: "kura.example")
            #expect(again.fingerprint == made.fingerprint)
            for path in [made.keyPath, directory.appending(ServerDatabase.fileName)] {
                #expect(try LocalFileSystem().status(path).mode & 0o077 == 0)
            }
        }
    }

    @Test("Beyond this machine it listens with TLS and an account only")
    func listening() throws {
        for host in ["127.0.0.1", "127.8.9.1", "localhost", "::1"] {
            try ListenRule.check(host, hasTLS: false, hasAccount: false)
        }
        for host in ["0.0.0.0", "::", "192.168.1.2", "127.evil.example", "kura.example"] {
            for (hasTLS, hasAccount) in [(false, false), (true, false), (false, true)] {
                #expect(throws: KuraError.self) {
                    try ListenRule.check(host, hasTLS: hasTLS, hasAccount: hasAccount)
                }
            }
            try ListenRule.check(host, hasTLS: true, hasAccount: true)
        }
    }
}
