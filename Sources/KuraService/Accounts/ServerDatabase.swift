internal import GRDB
package import KuraIO
package import SystemPackage

/// The SQLite file of a server: accounts, sessions, restore targets, what it was asked. It stands
/// apart from the catalog, which may be thrown away and made anew.
package final class ServerDatabase: Sendable {
    package static let fileName = "server.sqlite"

    private let queue: DatabaseQueue
    private let path: FilePath

    /// - Parameter home: where the file is, or is made.
    package init(home: FilePath) throws(KuraError) {
        path = home.appending(Self.fileName)
        var configuration = Configuration()
        configuration.busyMode = .timeout(30)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        }
        do {
            // Readable by this user alone, and so are the files that SQLite puts beside it.
            let fileSystem = LocalFileSystem()
            for ending in ["", "-wal", "-shm"]
            where fileSystem.isLink(FilePath(path.string + ending)) {
                throw IOError("open", at: path, .tooManySymbolicLinkLevels)
            }
            fileSystem.close(try fileSystem.openLock(path))
            queue = try DatabaseQueue(path: path.string, configuration: configuration)
            try Self.migrator.migrate(queue)
            guard try !queue.read({ try Self.migrator.hasBeenSuperseded($0) }) else {
                throw KuraError(
                    .unsupported, "\(path) was written by a newer Kura", remedy: .useNewerKura)
            }
        } catch {
            throw Self.problem(error, path)
        }
    }

    func read<T>(_ body: (Database) throws -> T) throws(KuraError) -> T {
        do {
            return try queue.read(body)
        } catch {
            throw Self.problem(error, path)
        }
    }

    /// One transaction: all of `body`, or nothing.
    func write<T>(_ body: (Database) throws -> T) throws(KuraError) -> T {
        do {
            return try queue.write(body)
        } catch {
            throw Self.problem(error, path)
        }
    }

    private static func problem(_ error: any Error, _ path: FilePath) -> KuraError {
        guard let error = error as? DatabaseError else { return KuraError(error) }
        let message = error.message ?? "\(error.resultCode)"
        let code: KuraError.Code =
            switch error.resultCode {
            case .SQLITE_FULL: .noSpace
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged
            case .SQLITE_BUSY, .SQLITE_LOCKED: .locked
            default: .io
            }
        return KuraError(code, "\(path) failed: \(message)", cause: error)
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 accounts, sessions, targets, calls") { database in
            try database.execute(
                sql: """
                    CREATE TABLE account (
                        name TEXT PRIMARY KEY NOT NULL, role TEXT NOT NULL,
                        password TEXT NOT NULL, created INTEGER NOT NULL);
                    CREATE TABLE session (
                        hash TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL
                            REFERENCES account (name) ON DELETE CASCADE,
                        seal TEXT NOT NULL, source TEXT NOT NULL, created INTEGER NOT NULL,
                        seen INTEGER NOT NULL);
                    CREATE TABLE target (name TEXT PRIMARY KEY NOT NULL, path TEXT NOT NULL);
                    CREATE TABLE call (
                        id INTEGER PRIMARY KEY, time INTEGER NOT NULL, account TEXT NOT NULL,
                        source TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL,
                        note TEXT NOT NULL);
                    CREATE INDEX call_time ON call (time);
                    """)
        }
        return migrator
    }
}
