import Glibc
import KuraCodec
import KuraFormat
import KuraIO
import KuraStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The local file system that adds up what is read of index runs.
private final class ReadBytesFileSystem: PassingFileSystem {
    private let path: FilePath
    private let places = Mutex<[UInt64]>([])

    init(_ path: FilePath) { self.path = path }

    var reads: Int { places.withLock { $0.count } }
    func before(_ call: FileCall, _ path: FilePath) {}
    func willRead(_ path: FilePath, at offset: UInt64) {
        if path == self.path { places.withLock { $0.append(offset) } }
    }
}

@Suite("Admission of index runs", .timeLimit(.minutes(2))) struct RunAdmissionTests {
    /// Makes a sparse run with a true name: the digest of its trailer, which is zeros but for its
    /// start.
    private func makeSparse(
        _ store: TestStore, entries: UInt64, packs: UInt32, superseded: UInt32,
        trailerByteCount: Int? = nil, replica: Int
    ) throws -> FilePath {
        let blocks = IndexRunTrailer.blockCount(entries: entries)
        let filter = BloomFilter.blockCount(for: Int(entries))
        var fixed = Array(
            IndexRunHeader(vault: store.vault.id, nonce: 1).encoded().prefix(32))
        withUnsafeBytes(of: entries.littleEndian) { fixed += $0 }
        for count in [packs, superseded, UInt32(filter), 0] {
            withUnsafeBytes(of: count.littleEndian) { fixed += $0 }
        }
        fixed += [UInt8](repeating: 0, count: Digest.byteCount)
        let stated =
            fixed.count + Int(packs) * PackSummary.byteCount + Int(superseded) * Digest.byteCount
            + Int(blocks) * 8 + filter * BloomFilter.blockByteCount
        let byteCount = trailerByteCount ?? stated
        var hasher = StreamingHasher()
        fixed.withUnsafeBytes { hasher.update($0) }
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        var left = byteCount - fixed.count
        while left > 0 {
            let count = min(left, zeros.count)
            zeros.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            left -= count
        }
        let id = hasher.finish()
        let path = store.vaultPath(replica: replica).pushing(FilePath("index/\(id.hex)"))
        let fileSystem = LocalFileSystem()
        let file = try fileSystem.create(path)
        defer { fileSystem.close(file) }
        func write(_ bytes: [UInt8], at offset: UInt64) throws {
            try bytes.withUnsafeBytes { try fileSystem.write(file, path, at: offset, from: $0) }
        }
        let start = 4096 + blocks * 4096
        try write(IndexRunHeader(vault: store.vault.id, nonce: 1).encoded(), at: 0)
        try write(fixed, at: start)
        try write(
            Footer(trailerByteCount: UInt64(byteCount), trailerDigest: id).encoded(),
            at: start + UInt64(byteCount))
        return path
    }

    /// Entries, packs and superseded runs, each of which would need much memory.
    private static let shapes: [(UInt64, UInt32, UInt32)] = [
        (20_000_000, 1, 0), (101, 1 << 20, 0), (101, 1, 1 << 21),
    ]

    @Test("A sparse run costs a few reads, and no memory for what it says", arguments: shapes)
    func sparse(entries: UInt64, packs: UInt32, superseded: UInt32) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 50_000).bytes
            let id = try store.backup(disk).id
            let path = try makeSparse(
                store, entries: entries, packs: packs, superseded: superseded, replica: 0)
            let fileSystem = ReadBytesFileSystem(path)
            #expect(try store.restore(id, from: store.reopened(fileSystem: fileSystem)) == disk)
            #expect((1..<30).contains(fileSystem.reads), "\(fileSystem.reads)")
            let found = try store.reopened().verify(VerifyRequest()).damaged
            #expect(found.map(\.place) == [path.string])
        }
    }

    @Test("A run whose trailer is longer than its counts say is not read")
    func lyingLength() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 3, byteCount: 50_000).bytes
            let id = try store.backup(disk).id
            let path = try makeSparse(
                store, entries: 101, packs: 1, superseded: 0, trailerByteCount: 64 << 20,
                replica: 0)
            let fileSystem = ReadBytesFileSystem(path)
            #expect(try store.restore(id, from: store.reopened(fileSystem: fileSystem)) == disk)
            #expect((1..<10).contains(fileSystem.reads), "\(fileSystem.reads)")
        }
    }

    @Test("A sparse run is not carried to other replicas")
    func notCopied() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup(SyntheticDisk(seed: 3, byteCount: 50_000).bytes)
            let path = try makeSparse(
                store, entries: 20_000_000, packs: 1, superseded: 0, replica: 0)
            try store.backup(
                SyntheticDisk(seed: 4, byteCount: 50_000).bytes, into: store.reopened())
            _ = try store.reopened().verify(VerifyRequest(repair: true))
            let name = try #require(path.lastComponent?.string)
            for replica in 1..<3 {
                let names = try store.files("index", replica: replica).map {
                    $0.lastComponent?.string
                }
                #expect(!names.contains(name))
            }
        }
    }
}
