import Foundation
import KuraBench
import KuraCodec
import KuraFormat
import KuraIO
import KuraReplicas
import KuraStore
import SystemPackage

/// What kernels work on: always the same.
enum Sample {
    /// Text-like and noise by turns of 64 KiB, without blocks of zeros.
    static func mixed(_ count: Int) -> [UInt8] {
        var state: UInt64 = 42
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let isText = (bytes.count >> 16) & 1 == 0
            for shift in stride(from: 0, to: 64, by: 8) {
                let byte = UInt8(truncatingIfNeeded: state >> UInt64(shift))
                bytes.append(isText ? 97 + byte % 16 : byte)
            }
        }
        return bytes
    }

    /// Compresses whole frames, one after the other, at the level of backups.
    static func compress(_ bytes: UnsafeRawBufferPointer, frameBytes: Int) throws {
        let compressor = Compressor(level: 2)
        let target = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Compressor.bound(frameBytes), alignment: 16)
        defer { target.deallocate() }
        for start in stride(from: 0, to: bytes.count, by: frameBytes) {
            let frame = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + frameBytes)])
            use(try compressor.compress(frame, into: target))
        }
    }

    private static let chunkBytes = 32768

    static func hashInBatches(_ sample: [UInt8]) {
        var hasher = BatchHasher()
        sample.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
                hasher.removeAll()
                for offset in stride(from: start, to: start + 1 << 20, by: chunkBytes) {
                    hasher.append(
                        UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + chunkBytes)]))
                }
                hasher.run()
                use(hasher.digests.count)
            }
        }
    }

    static func hashOneByOne(_ sample: [UInt8]) {
        sample.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: chunkBytes) {
                let digest = ChunkHasher.digest(
                    UnsafeRawBufferPointer(rebasing: bytes[start..<(start + chunkBytes)]))
                use(Int(truncatingIfNeeded: digest.word0))
            }
        }
    }

    /// An index of three runs with 30 000 chunks, open. Its files are gone when it is returned.
    static func index() throws -> OpenedIndex {
        try withDirectory { directory in
            let index = SyntheticIndex(try vault(in: directory))
            for start in stride(from: 0 as UInt64, to: 30_000, by: 10_000) {
                _ = try index.add(start..<(start + 10_000))
            }
            return try index.open()
        }
    }

    /// A new vault in a region of one replica.
    static func vault(in directory: FilePath) throws -> Vault {
        let region = try Region.create(
            name: "guard", stores: [DirectoryStore(directory.appending("replica"))])
        return try Vault.create(
            VaultRecord(
                id: .random(), name: "guard", region: region.id, revision: 1, created: 0,
                redundancy: .lrs, copies: 1, minCopies: 1, chunker: .gearTail,
                chunkBytesMean: 32768,
                requiredFeatures: [ChunkerKind.gearTail.rawValue, Feature.sha256, Feature.zstd],
                optionalFeatures: []), in: region)
    }

    /// A directory in memory where the system has one, and removed afterwards.
    static func withDirectory<T>(_ body: (FilePath) throws -> T) throws -> T {
        let memory = "/dev/shm"
        let parent = access(memory, W_OK) == 0 ? memory : NSTemporaryDirectory()
        let directory = FilePath(parent).appending("kura-guard-\(getpid())")
        try FileManager.default.createDirectory(
            atPath: directory.string, withIntermediateDirectories: true)
        defer {
            do {
                try FileManager.default.removeItem(atPath: directory.string)
            } catch {
                FileHandle.standardError.write(Data("\(directory) stays: \(error)\n".utf8))
            }
        }
        return try body(directory)
    }
}

/// How much faster one way is than another, both measured by turns; the best round of each counts.
enum Ratio {
    private static let rounds = 5

    static func printAll() throws {
        let mixed = Sample.mixed(32 << 20)
        let isFast = try hasSHAInstructions()
        if isFast {
            let ratio = try compare(
                { seconds { Sample.hashOneByOne(mixed) } },
                { seconds { Sample.hashInBatches(mixed) } })
            print("sha256-batch/one-by-one\t\(ratio)")
        } else {
            print("sha256-batch/one-by-one\tskip: this processor has no SHA instructions")
        }
        guard ProcessInfo.processInfo.activeProcessorCount >= 2 else {
            return print("backup/zstd-by-two-threads\tskip: one processor")
        }
        // Processors may share a core: what two of them are worth is what they do for zstd alone.
        let sample = noise(384 << 20)
        let possible = try compare(
            { try secondsOfZstd(sample, threads: 1) },
            { try secondsOfZstd(sample, threads: 2) })
        let gained = try Sample.withDirectory { directory in
            let source = directory.appending("disk")
            try Data(sample).write(to: URL(fileURLWithPath: source.string))
            return try compare(
                { try backup(source, directory, threads: 1) },
                { try backup(source, directory, threads: 2) })
        }
        print("backup/zstd-by-two-threads\t\(gained / possible)")
    }

    private static func secondsOfZstd(_ sample: [UInt8], threads: Int) throws -> Double {
        let share = sample.count / threads
        var results: [Result<Void, any Error>] = []
        let time = seconds {
            results = Threads.map(threads) { thread in
                Result {
                    try sample.withUnsafeBytes { bytes in
                        let part = bytes[(thread * share)..<((thread + 1) * share)]
                        try Sample.compress(
                            UnsafeRawBufferPointer(rebasing: part), frameBytes: 1 << 20)
                    }
                }
            }
        }
        for result in results { try result.get() }
        return time
    }

    /// The shortest time of `slow` divided by that of `fast`, each of which returns seconds.
    private static func compare(
        _ slow: () throws -> Double, _ fast: () throws -> Double
    ) throws -> Double {
        var best = (slow: Double.infinity, fast: Double.infinity)
        for _ in 0..<rounds {
            best.slow = min(best.slow, try slow())
            best.fast = min(best.fast, try fast())
        }
        return best.slow / best.fast
    }

    private static func seconds(_ body: () -> Void) -> Double {
        let time = ContinuousClock().measure(body)
        return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }

    /// - Returns: seconds of the backup alone, without those of making the vault.
    private static func backup(
        _ source: FilePath, _ directory: FilePath, threads: Int
    ) throws -> Double {
        let place = directory.appending("vault")
        try FileManager.default.createDirectory(
            atPath: place.string, withIntermediateDirectories: true)
        let disk = BackupRequest.Disk(name: "disk", source: try FileSource(source))
        let report = try Sample.vault(in: place).backup(
            BackupRequest(item: "item", disks: [disk], threads: threads))
        try FileManager.default.removeItem(atPath: place.string)
        return report.seconds
    }

    /// Text-like bytes that no two chunks share.
    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 7
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
            for index in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[index] = 97 + UInt8(truncatingIfNeeded: state >> 60)
            }
            initialized = count
        }
    }

    private static func hasSHAInstructions() throws -> Bool {
        let flags = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        return flags.contains(" sha_ni") || flags.contains(" sha2")
    }
}
