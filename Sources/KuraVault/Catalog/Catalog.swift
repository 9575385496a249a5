internal import GRDB
package import KuraIO
package import SystemPackage

/// The SQLite file of a home: jobs, discovered machines, and copies of what the regions hold, so
/// that long lists need not be read file by file.
///
/// Regions are the truth of points, policies and items; what the catalog holds of those can be
/// thrown away. Only job history, the inventory's place and what the scheduler has done live here
/// alone. Several processes use it at once: WAL, and a busy time-out.
package final class Catalog: Sendable {
    package static let fileName = "catalog.sqlite"
    private static let busySeconds = 30.0

    private let queue: DatabaseQueue
    let path: FilePath

    /// Opens the catalog of a home, makes it where it is missing, and brings its tables up to date.
    init(home: FilePath) throws(KuraError) {
        path = home.appending(Self.fileName)
        var configuration = Configuration()
        configuration.busyMode = .timeout(Self.busySeconds)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        }
        do {
            try Self.makePrivate(path)
            queue = try DatabaseQueue(path: path.string, configuration: configuration)
            try CatalogSchema.migrator.migrate(queue)
            let tooNew = try queue.read { try CatalogSchema.migrator.hasBeenSuperseded($0) }
            guard !tooNew else {
                throw KuraError(
                    .unsupported, "the catalog \(path) was written by a newer Kura",
                    remedy: .anyOf([.useNewerKura, .home(.rebuildCatalog)]))
            }
        } catch {
            throw Self.storeError(error, path)
        }
    }

    /// SQLite gives its other files the rights of the first one, and follows links.
    private static func makePrivate(_ path: FilePath) throws {
        let fileSystem = LocalFileSystem()
        for ending in ["", "-wal", "-shm", "-journal"] {
            let file = FilePath(path.string + ending)
            guard fileSystem.isLink(file) else { continue }
            throw IOError("open", at: file, .tooManySymbolicLinkLevels)
        }
        fileSystem.close(try fileSystem.openLock(path))
    }

    func read<T>(_ body: (Database) throws -> T) throws(KuraError) -> T {
        do {
            return try queue.read(body)
        } catch {
            throw Self.storeError(error, path)
        }
    }

    /// One transaction: all of `body`, or nothing.
    func write<T>(_ body: (Database) throws -> T) throws(KuraError) -> T {
        do {
            return try queue.write(body)
        } catch {
            throw Self.storeError(error, path)
        }
    }

    private static func storeError(_ error: any Error, _ path: FilePath) -> KuraError {
        guard let error = error as? DatabaseError else { return KuraError(error) }
        let message = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_FULL:
            return KuraError(
                .noSpace, "no space left for \(path)",
                remedy: .steps([.freeSpace(path: path.string), .retry()]), cause: error)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return KuraError(
                .damaged, "the catalog \(path) is damaged: \(message)",
                remedy: .home(.rebuildCatalog), cause: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return KuraError(
                .locked, "the catalog \(path) is in use", remedy: .retry(), cause: error)
        default:
            return KuraError(
                .io, "the catalog \(path) failed: \(message)",
                remedy: .anyOf([
                    .advice("check the permissions and the disk"), .home(.rebuildCatalog),
                ]), cause: error)
        }
    }

    /// Moves a catalog out of the way, with the files that SQLite keeps beside it.
    package static func setAside(home: FilePath, suffix: String) throws(KuraError) {
        let fileSystem = LocalFileSystem()
        for ending in ["", "-wal", "-shm"] {
            let path = home.appending(fileName + ending)
            do throws(IOError) {
                guard try fileSystem.exists(path) else { continue }
                try fileSystem.rename(
                    path, to: home.appending(fileName + suffix + ending), replacing: true)
            } catch {
                throw KuraError(io: error)
            }
        }
    }

    // MARK: Small values

    func value(_ key: String) throws(KuraError) -> String? {
        try read {
            try String.fetchOne(
                $0, sql: "SELECT value FROM meta WHERE key = ?", arguments: [key])
        }
    }

    func setValue(_ value: String?, for key: String) throws(KuraError) {
        try write { database in
            try database.execute(sql: "DELETE FROM meta WHERE key = ?", arguments: [key])
            guard let value else { return }
            try database.execute(
                sql: "INSERT INTO meta (key, value) VALUES (?, ?)", arguments: [key, value])
        }
    }
}
