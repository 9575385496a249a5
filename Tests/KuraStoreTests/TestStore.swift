import Glibc
import KuraFormat
import KuraIO
import KuraReplicas
import KuraSeal
import KuraStore
import SystemPackage
import TestSupport

/// A region with three replicas and one vault in a temporary directory.
struct TestStore {
    let directory: FilePath
    let region: Region
    let vault: Vault

    /// Small chunks by default, so that small disks have many.
    /// - Parameter access: the key of the home, for a vault with a log; nil for one of version 1.
    init(
        _ directory: FilePath, copies: UInt8 = 3, minCopies: UInt8? = nil,
        chunker: ChunkerKind = .gearTail, mean: UInt32 = 4096, macKey: MACKey? = .random(),
        access: LogAccess? = nil
    ) throws {
        self.directory = directory
        let paths = (0..<3).map { directory.appending("replica-\($0)") }
        region = try Region.create(name: "test", replicas: paths, access: access)
        if access != nil {
            let new = NewVault(
                name: "vault", redundancy: .lrs, copies: copies,
                minCopies: minCopies ?? min(2, copies), chunker: chunker, chunkBytesMean: mean,
                macKey: macKey)
            vault = try Vault.create(new, in: region, root: .random(), keyName: "home")
            return
        }
        let record = VaultRecord(
            id: .random(), name: "vault", region: region.id, revision: 1, created: 0,
            redundancy: .lrs, copies: copies, minCopies: minCopies ?? min(2, copies),
            chunker: chunker,
            chunkBytesMean: mean, macKey: macKey,
            requiredFeatures: [chunker.rawValue, Feature.sha256, Feature.zstd],
            optionalFeatures: [])
        vault = try Vault.create(record, in: region)
    }

    /// The same vault, opened anew: nothing remembered, replicas looked at again.
    func reopened(
        fileSystem: any FileSystem = LocalFileSystem(), waits: WaitPolicy = WaitPolicy(),
        access: LogAccess? = nil
    ) -> Vault {
        let region = Region(
            id: region.id, name: "test", replicas: region.replicas.map(\.path),
            fileSystem: fileSystem, waits: waits, access: access ?? region.access)
        return Vault(region: region, record: vault.record)
    }

    /// Backs up a disk with these bytes.
    @discardableResult
    func backup(
        _ bytes: [UInt8], item: String = "item", name: String = "disk", threads: Int = 2,
        into vault: Vault? = nil, cancellation: Cancellation = Cancellation()
    ) throws -> BackupReport {
        let path = directory.appending("source-\(UInt64.random(in: 0...UInt64.max))")
        try writeFile(bytes, to: path)
        defer { unlink(path.string) }
        let disk = BackupRequest.Disk(name: name, source: try FileSource(path))
        let request = BackupRequest(item: item, disks: [disk], level: 1, threads: threads)
        let target = vault ?? self.vault
        let report = try target.backup(request, cancellation: cancellation)
        do {
            try target.mergeRuns()
        } catch {
            // The point is made, and where calls fail on purpose so may those of a merge: Kura
            // warns.
        }
        return report
    }

    /// Restores a disk of a recovery point to memory.
    func restore(
        _ id: RecoveryPointID, disk: Int = 0, from vault: Vault? = nil, threads: Int = 2
    ) throws -> [UInt8] {
        let vault = vault ?? reopened()
        let path = directory.appending("target-\(UInt64.random(in: 0...UInt64.max))")
        defer { unlink(path.string) }
        let record = try vault.recoveryPoint(id).disks[disk]
        _ = try vault.restore(
            record, to: SinkPath(path).open(byteCount: record.byteCount), threads: threads)
        return try readFile(path)
    }

    /// Files of the vault in one replica below a directory such as "packs", as absolute paths.
    func files(_ directory: String, replica: Int) throws -> [FilePath] {
        let root = vaultPath(replica: replica).appending(directory)
        _ = try LocalFileSystem().status(root)
        return filesBelow(root)
    }

    func path(of pack: PackID, replica: Int) -> FilePath {
        vaultPath(replica: replica).pushing(FilePath(VaultFile.pack(pack).relativePath))
    }

    /// Changes every copy of a pack in the same way.
    func damage(_ pack: PackID, _ change: (inout [UInt8]) -> Void) throws {
        for replica in 0..<3 {
            let path = path(of: pack, replica: replica)
            var bytes = try readFile(path)
            change(&bytes)
            try writeFile(bytes, to: path)
        }
    }

    /// The trailer of a whole pack file.
    func packTrailer(_ bytes: [UInt8]) throws -> PackTrailer {
        try bytes.withUnsafeBytes { bytes in
            let end = bytes.count - Footer.byteCount
            let footer = try Footer(
                decoding: UnsafeRawBufferPointer(rebasing: bytes[end...]), of: .pack)
            let start = end - Int(footer.trailerByteCount)
            return try PackTrailer(
                decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        }
    }

    func vaultPath(replica: Int) -> FilePath {
        region.replicas[replica].path.appending("vaults").appending(vault.id.hex)
    }
}

/// The ways in which a file goes bad.
enum Mutation: String, CaseIterable, Sendable {
    case flippedBit, truncated, extended, zeroed, missing, swapped

    /// - Parameter other: content that `swapped` puts in place of the file's own.
    func apply(to path: FilePath, other: [UInt8], _ random: inout SeededGenerator) throws {
        var bytes = try readFile(path)
        switch self {
        case .flippedBit:
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
                1
                << UInt8.random(
                    in: 0..<8, using: &random)
        case .truncated: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case .extended: bytes += random.bytes(Int.random(in: 1...100, using: &random))
        case .zeroed: bytes = [UInt8](repeating: 0, count: bytes.count)
        case .swapped: bytes = other
        case .missing:
            unlink(path.string)
            return
        }
        try writeFile(bytes, to: path)
    }
}

/// How a test opens a file by hand.
enum O {
    static let read = O_RDONLY
    static let write = O_WRONLY
}

func withDescriptor<T>(_ path: FilePath, _ flags: Int32, _ body: (Int32) throws -> T) throws -> T {
    let descriptor = open(path.string, flags)
    guard descriptor >= 0 else { throw IOError("open", at: path, Errno(rawValue: errno)) }
    defer { close(descriptor) }
    return try body(descriptor)
}
