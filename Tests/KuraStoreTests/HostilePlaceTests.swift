import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

/// What an attacker may put in the place of files and directories of one replica.
@Suite("Hostile places", .timeLimit(.minutes(2))) struct HostilePlaceTests {
    private static let strange = String(repeating: "ab", count: 32)

    /// Names below a vault that readers come by, of what is there and of what Kura did not make.
    private static let kinds = [
        "points", "index", "packs", "vault", "new point", "new run", "new pack", "new journal",
        "new tombstone", "new condemnation", "new session",
    ]

    private static let unlisted = [
        "new pack", "new tombstone", "new condemnation", "new session",
    ]

    private func place(_ kind: String, _ store: TestStore, replica: Int) throws -> FilePath {
        let vault = store.vaultPath(replica: replica)
        func new(_ folder: String, _ name: String = Self.strange) throws -> FilePath {
            try LocalFileSystem().makeDirectory(vault.appending(folder))
            return vault.appending(folder).appending(name)
        }
        return switch kind {
        case "vault": vault.appending("vault")
        case "new point": try new("points")
        case "new run": try new("index")
        case "new pack": vault.pushing(FilePath("packs/ab/\(Self.strange)"))
        case "new journal": try new("journal")
        case "new tombstone": try new("dropped")
        case "new condemnation": try new("condemned", String(Self.strange.prefix(32)))
        case "new session": try new("sessions", String(Self.strange.prefix(32)))
        default: try store.files(kind, replica: replica)[0]
        }
    }

    private static func makePipe(_ path: FilePath) {
        unlink(path.string)
        #expect(mkfifo(path.string, 0o600) == 0)
    }

    @Test("A pipe in the place of a file is damage, and nothing waits for it", arguments: kinds)
    func pipe(kind: String) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 50_000).bytes
            let id = try store.backup(disk).id
            let path = try place(kind, store, replica: 0)
            Self.makePipe(path)
            let vault = store.reopened()
            #expect(try vault.recoveryPoints().map(\.id) == [id])
            #expect(try store.restore(id, from: vault) == disk)
            let found = try store.reopened().verify(VerifyRequest(level: .chunks)).damaged
            // A backup may heal it before it relies on it.
            #expect(try store.restore(store.backup(disk, into: store.reopened()).id) == disk)
            // What comes and goes, or what nothing lists, is no damage when it is new.
            guard !Self.unlisted.contains(kind) else { return }
            #expect(found.map(\.place).contains(path.string), "\(found)")
        }
    }

    @Test("A replica whose identity is a pipe is out of use, and the others do")
    func identity() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 50_000).bytes
            let id = try store.backup(disk).id
            Self.makePipe(store.region.replicas[2].path.appending("replica"))
            let vault = store.reopened()
            #expect(vault.region.problems[2]?.message.contains("it is a pipe") == true)
            #expect(try store.restore(id, from: vault) == disk)
        }
    }

    @Test("A lock that is a pipe keeps no one from the other replicas")
    func lock() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 50_000).bytes
            let id = try store.backup(disk).id
            Self.makePipe(store.vaultPath(replica: 1).pushing("locks/commit"))
            #expect(try store.restore(id, from: store.reopened()) == disk)
            let report = try store.backup(disk, into: store.reopened())
            #expect(try store.restore(report.id) == disk)
        }
    }

    @Test(
        "A link in the place of a directory leads no write out of the replica",
        arguments: ["points", "locks", "index", "packs", "tmp", "sessions", ""])
    func linkedDirectory(folder: String) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory.appending("store"))
            let disk = SyntheticDisk(seed: 3, byteCount: 50_000).bytes
            let id = try store.backup(disk).id
            let victim = directory.appending("victim")
            let path =
                folder.isEmpty
                ? store.vaultPath(replica: 1) : store.vaultPath(replica: 1).appending(folder)
            try LocalFileSystem().rename(path, to: victim, replacing: false)
            #expect(symlink(victim.string, path.string) == 0)
            let before = filesBelow(victim)
            let problem = try #require(store.reopened().region.problems[1])
            #expect(problem.code == .refused && problem.message.contains("symbolic link"))
            // Also where the replica was opened before the link came.
            for vault in [store.vault, store.reopened()] {
                let other = SyntheticDisk(seed: 4, byteCount: 50_000).bytes
                let made = try store.backup(other, into: vault).id
                #expect(try store.restore(made) == other)
                #expect(try store.restore(id, from: vault) == disk)
            }
            #expect(filesBelow(victim) == before)
        }
    }

    @Test("A link in the place of a file is damage, even when it leads to a good copy")
    func linkedFile() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 50_000).bytes
            let id = try store.backup(disk).id
            for kind in ["points", "index", "packs"] {
                let path = try store.files(kind, replica: 1)[0]
                let good = try store.files(kind, replica: 0)[0]
                unlink(path.string)
                #expect(symlink(good.string, path.string) == 0)
                let found = try store.reopened().verify(VerifyRequest(repair: true)).damaged
                #expect(found.map(\.place) == [path.string])
                #expect(found.allSatisfy { $0.kind == .unreadable && $0.isRepaired })
            }
            #expect(try store.restore(id) == disk)
            try store.expectEqualReplicas("after links")
        }
    }

    @Test(
        "A directory of a replica that others may write to puts it out of use",
        arguments: ["vaults", "VAULT", "VAULT/points", "VAULT/packs", "VAULT/locks"])
    func writableByOthers(folder: String) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let vault = "vaults/\(store.vault.id.hex)"
            let name = folder.split(separator: "VAULT", omittingEmptySubsequences: false)
                .joined(separator: vault)
            let path = store.region.replicas[1].path.pushing(FilePath(name))
            chmod(path.string, 0o777)
            let problem = try #require(store.reopened().region.problems[1])
            #expect(problem.code == .refused && problem.message.contains("may write to \(path)"))
        }
    }

    @Test("A replica with a folder of packs that others may write to is not written to")
    func writablePacks() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let folder = store.vaultPath(replica: 1).pushing("packs/ab")
            chmod(folder.string, 0o777)
            let report = try store.backup(SyntheticDisk(seed: 1, byteCount: 50_000).bytes)
            #expect(report.warnings.contains { $0.contains(folder.string) })
            #expect(try store.files("points", replica: 1).isEmpty)
        }
    }
}
