import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("A folder of one replica") struct FolderTests {
    private static func path(_ folder: String, _ store: TestStore) -> FilePath {
        store.vaultPath(replica: 1).pushing(FilePath(folder))
    }

    @Test(
        "that cannot be listed is damage, though the other replicas can list theirs",
        arguments: ["points", "index", "packs/3f", "journal", "dropped", "condemned", "receipts"])
    func unlistable(folder: String) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 1, byteCount: 50_000).bytes)
            let path = Self.path(folder, store).string
            let broken = BrokenFileSystem { $0 == .list && $1 == path }
            let found = try store.reopened(fileSystem: broken).verify(VerifyRequest()).damaged
            #expect(found.contains { $0.place == path && $0.kind == .unreadable })
            let repaired = try store.reopened(fileSystem: broken)
                .verify(VerifyRequest(repair: true))
            #expect(!repaired.remaining.isEmpty)
        }
    }

    @Test("that holds the packs and cannot be listed is one damage")
    func allPacks() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 1, byteCount: 50_000).bytes)
            let path = Self.path("packs", store).string
            let broken = BrokenFileSystem { $0 == .list && $1.hasPrefix(path) }
            let found = try store.reopened(fileSystem: broken).verify(VerifyRequest()).damaged
            #expect(found.map(\.place) == [path])
        }
    }

    @Test("in whose place a file is, is damage")
    func file() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 1, byteCount: 50_000).bytes)
            let path = Self.path("packs/3f", store)
            removeTree(path)
            try writeFile([1], to: path)
            let found = try store.reopened().verify(VerifyRequest()).damaged
            #expect(found.contains { $0.place == path.string && $0.kind == .unreadable })
        }
    }

    @Test("that is missing and held nothing is no damage")
    func missing() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 1, byteCount: 50_000).bytes)
            let used = try store.files("packs", replica: 1).map { $0.string }
            let folder = try #require(
                ["00", "01", "02", "03", "04", "05"].map { Self.path("packs/\($0)", store) }
                    .first { folder in !used.contains { $0.hasPrefix("\(folder)/") } })
            #expect(rmdir(folder.string) == 0)
            #expect(try store.reopened().verify(VerifyRequest()).damaged.isEmpty)
        }
    }

    @Test("that is missing is damage for each file in it")
    func missingWithFiles() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 1, byteCount: 50_000).bytes)
            removeTree(Self.path("points", store))
            removeTree(Self.path("index", store))
            let report = try store.reopened().verify(VerifyRequest())
            #expect(report.damaged.map(\.kind) == [.missing, .missing])
        }
    }
}
