internal import GRDB
package import KuraIO
package import KuraPortal
internal import Synchronization
package import SystemPackage

/// Who may sign in, and who has.
package final class Accounts: Sendable {
    /// A session that is in force.
    package struct Session: Sendable, Equatable {
        package var account: String
        package var role: Role
        /// Proves that a form is one of this session.
        package var seal: String
        /// By which others end it.
        package var id: String
    }

    package static let passwordCharactersMin = 12
    private static let passwordBytesMax = 400
    private static let idleNanoseconds: Int64 = 30 * 60 * 1_000_000_000
    private static let lifeNanoseconds: Int64 = 12 * 3600 * 1_000_000_000
    /// How exact the time of the last request is kept.
    private static let seenNanoseconds: Int64 = 60 * 1_000_000_000

    private let database: ServerDatabase
    private let clock: WallClock
    private let tries = TryLimit()
    /// The secret of the link by which the first account is made; nil once there is one.
    private let firstSecret: Mutex<String?>

    package init(_ database: ServerDatabase, clock: WallClock = .system) throws(KuraError) {
        self.database = database
        self.clock = clock
        let count = try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM account") }
        firstSecret = Mutex(count == 0 ? Secrets.random() : nil)
    }

    /// Nil where there is an account.
    package var firstLink: Link? {
        firstSecret.withLock { secret in secret.map { Link("first", query: [("token", $0)]) } }
    }

    package func isFirstSecret(_ secret: String) -> Bool {
        firstSecret.withLock { known in known.map { Secrets.areEqual($0, secret) } ?? false }
    }

    // MARK: Accounts

    package func all() throws(KuraError) -> [AccountView] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT name, role FROM account ORDER BY name").map {
                AccountView(name: $0["name"], role: Role(rawValue: $0["role"]) ?? .reader)
            }
        }
    }

    /// Makes an account.
    package func add(_ name: String, _ role: Role, password: String) throws(KuraError) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain, 2...50 ~= name.utf8.count else {
            throw KuraError(
                .invalidInput, "\"\(name.prefix(60))\" cannot name an account",
                remedy: .advice("use 2 to 50 small letters, digits and . - _"))
        }
        guard password.count >= Self.passwordCharactersMin,
            password.utf8.count <= Self.passwordBytesMax, password != name
        else {
            throw KuraError(
                .invalidInput, "the password is too short, too long, or the account's name",
                remedy: .advice(
                    "use \(Self.passwordCharactersMin) characters or more, as a sentence has"))
        }
        guard let hash = PasswordHash(password) else {
            throw KuraError(.io, "libcrypto could not work on the password")
        }
        let time = clock.now()
        let isNew = try database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO account (name, role, password, created) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """, arguments: [name, role.rawValue, hash.text, time])
            return database.changesCount == 1
        }
        guard isNew else {
            throw KuraError(
                .exists, "there is an account \(name) already", remedy: .chooseAnotherName)
        }
        firstSecret.withLock { $0 = nil }
    }

    /// Deletes an account and its sessions; not the last owner.
    package func remove(_ name: String) throws(KuraError) {
        let others = try database.write { database in
            let others =
                try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM account WHERE role = ? AND name <> ?",
                    arguments: [Role.owner.rawValue, name]) ?? 0
            if others > 0 {
                try database.execute(sql: "DELETE FROM account WHERE name = ?", arguments: [name])
            }
            return others
        }
        guard others > 0 else {
            throw KuraError(
                .refused, "\(name) is the last owner",
                remedy: .advice("make another owner first"))
        }
    }

    // MARK: Sessions

    package enum SignIn: Sendable, Equatable {
        /// With the secret for the browser.
        case done(secret: String)
        case wrong
        case tooManyTries
    }

    /// - Parameter source: where the request came from.
    package func signIn(
        _ name: String, password: String, from source: String
    ) throws(KuraError) -> SignIn {
        let key = "\(name.prefix(60))\n\(source)"
        guard tries.mayTry(key) else { return .tooManyTries }
        let kept = try database.read { database in
            try String.fetchOne(
                database, sql: "SELECT password FROM account WHERE name = ?", arguments: [name])
        }
        let hash = kept.map { PasswordHash(kept: $0) } ?? PasswordHash.ofNobody
        let isRight =
            password.utf8.count <= Self.passwordBytesMax && hash?.matches(password) ?? false
        guard isRight, kept != nil else {
            tries.failed(key)
            return .wrong
        }
        tries.succeeded(key)
        let (secret, seal, time) = (Secrets.random(), Secrets.random(), clock.now())
        try database.write { database in
            try database.execute(
                sql: "DELETE FROM session WHERE created < ? OR seen < ?",
                arguments: [time - Self.lifeNanoseconds, time - Self.idleNanoseconds])
            try database.execute(
                sql: """
                    INSERT INTO session (hash, account, seal, source, created, seen)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """, arguments: [Secrets.hash(secret), name, seal, source, time, time])
        }
        return .done(secret: secret)
    }

    /// The session of a secret that a browser sent; nil where there is none in force.
    package func session(of secret: String) throws(KuraError) -> Session? {
        guard secret.utf8.count == 64 else { return nil }
        let (hash, time) = (Secrets.hash(secret), clock.now())
        let found = try database.read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT session.account, session.seal, session.created, session.seen,
                        account.role
                    FROM session JOIN account ON account.name = session.account WHERE hash = ?
                    """, arguments: [hash])
        }
        guard let found else { return nil }
        let (created, seen): (Int64, Int64) = (found["created"], found["seen"])
        guard time - created < Self.lifeNanoseconds, time - seen < Self.idleNanoseconds else {
            try end(hash)
            return nil
        }
        if time - seen > Self.seenNanoseconds {
            try database.write { database in
                try database.execute(
                    sql: "UPDATE session SET seen = ? WHERE hash = ?", arguments: [time, hash])
            }
        }
        return Session(
            account: found["account"], role: Role(rawValue: found["role"]) ?? .reader,
            seal: found["seal"], id: hash)
    }

    /// - Parameter account: only its own; nil for all.
    package func sessions(
        of account: String?, this id: String
    ) throws(KuraError) -> [SessionView] {
        let oldest = clock.now() - Self.idleNanoseconds
        return try database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT hash, account, source, seen FROM session
                    WHERE seen >= ? AND (? IS NULL OR account = ?) ORDER BY seen DESC
                    """, arguments: [oldest, account, account]
            ).map { row in
                let hash: String = row["hash"]
                return SessionView(
                    id: hash, account: row["account"], source: row["source"],
                    lastSeen: row["seen"], isThis: hash == id)
            }
        }
    }

    /// - Parameter account: ends it only where it is of this account; nil for any.
    package func end(_ id: String, of account: String? = nil) throws(KuraError) {
        try database.write { database in
            try database.execute(
                sql: "DELETE FROM session WHERE hash = ? AND (? IS NULL OR account = ?)",
                arguments: [id, account, account])
        }
    }

    // MARK: Restore targets

    package func targets() throws(KuraError) -> [TargetView] {
        try database.read { database in
            try Row.fetchAll(database, sql: "SELECT name, path FROM target ORDER BY name").map {
                TargetView(name: $0["name"], path: $0["path"])
            }
        }
    }

    /// Lets restores write below a folder.
    package func addTarget(_ name: String, path: FilePath) throws(KuraError) {
        try Name.check(name, what: "a restore target")
        guard path.isAbsolute, !path.components.isEmpty else {
            throw KuraError(
                .invalidInput, "a restore target is a folder by its absolute path",
                remedy: .advice("such as /srv/restores"))
        }
        let folder = path.lexicallyNormalized()
        let kind: Bool
        do throws(IOError) {
            kind = try LocalFileSystem().status(folder).kind == .directory
        } catch {
            throw KuraError(io: error)
        }
        guard kind else {
            throw KuraError(
                .invalidInput, "\(folder) is no folder", remedy: .advice("name a folder"))
        }
        try database.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO target (name, path) VALUES (?, ?)",
                arguments: [name, folder.string])
        }
    }

    package func removeTarget(_ name: String) throws(KuraError) {
        try database.write { database in
            try database.execute(sql: "DELETE FROM target WHERE name = ?", arguments: [name])
        }
    }
}

/// Failures to sign in, for each account and address: five a minute, then none until it is over.
private final class TryLimit: Sendable {
    private static let failuresMax = 5
    private static let spanNanoseconds: Int64 = 60_000_000_000
    private static let keysMax = 10_000

    private let failures = Mutex<[String: [Int64]]>([:])

    func mayTry(_ key: String) -> Bool {
        let now = Clock.steady()
        return failures.withLock { failures in
            let recent = (failures[key] ?? []).filter { now - $0 < Self.spanNanoseconds }
            failures[key] = recent.isEmpty ? nil : recent
            return recent.count < Self.failuresMax
        }
    }

    func failed(_ key: String) {
        let now = Clock.steady()
        failures.withLock { failures in
            if failures.count >= Self.keysMax {
                failures = failures.filter { $0.value.contains { now - $0 < Self.spanNanoseconds } }
            }
            // So many addresses at once are an attack; it must not take the memory.
            if failures.count < Self.keysMax { failures[key, default: []].append(now) }
        }
    }

    func succeeded(_ key: String) { failures.withLock { $0[key] = nil } }
}
