import ArgumentParser
import Glibc
import KuraBench
import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this machine, and Kura on your images.",
        subcommands: [
            BenchLimitsCommand.self, BenchBackupCommand.self, BenchChunkersCommand.self,
        ])
}

/// Where a measurement may put its files, and how often it is done.
struct BenchOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where to write; a folder is made in it and removed. By default beside the image, "
                + "or in TMPDIR.", valueName: "dir"))
    var directory: String?

    @Option(help: "Copies, 1 to 3, as a vault has them.")
    var copies = 3

    @Option(help: "Level of zstd, 1 to 19.")
    var level = ItemBackup.defaultLevel

    @Option(help: "How often everything is measured; the medians count.")
    var rounds = 3

    func validate() throws {
        guard 1...3 ~= copies else {
            throw ValidationError("--copies takes 1 to 3, not \(copies)")
        }
        guard ItemBackup.levels ~= level else {
            throw ValidationError("--level takes 1 to 19, not \(level)")
        }
        guard 1...99 ~= rounds else {
            throw ValidationError("--rounds takes 1 to 99, not \(rounds)")
        }
    }

    /// - Parameter image: its directory is taken where none is given.
    func parent(of image: String?) -> FilePath {
        if let directory { return FilePath(directory) }
        guard let image else {
            return FilePath(CommandContext.environment["TMPDIR"] ?? "/tmp")
        }
        let folder = FilePath(image).removingLastComponent()
        return folder.isEmpty ? "." : folder
    }

    func limitOptions(threads: Int) -> LimitBenchmark.Options {
        LimitBenchmark.Options(
            chunkBytesMean: Int(Subscription.defaultChunkBytesMean), level: level,
            threads: threads, copies: copies, rounds: rounds)
    }

    static func open(_ image: String) throws(KuraError) -> FileSource {
        try FileSource(FilePath(image))
    }
}

extension ScratchFolder {
    /// Runs `body` and removes the folder, whatever happened.
    func use<T>(_ body: () throws -> T) throws -> T {
        let value: T
        do {
            value = try body()
        } catch {
            // Why the measurement failed matters more than what stays behind.
            do throws(KuraError) {
                try remove()
            } catch {
                Terminal.warn("\(path) was not removed: \(error.message)")
            }
            throw error
        }
        try remove()
        return value
    }
}

struct BenchChunkersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chunkers",
        abstract: "Compare ways of chunking on given images, taken in order as one vault.",
        discussion: Help.flowing(
            """
            UNIQUE is what deduplication leaves, STORED what zstd leaves of that, GB/S finding
            the cuts on one core, holes not counted.

            EXAMPLES
              kura bench chunkers day1.img day2.img other.img
            """))

    @Argument(help: ArgumentHelp("Disk images, oldest first.", valueName: "image"))
    var images: [String]

    @Option(help: "Level of zstd, 1 to 19.")
    var level = ItemBackup.defaultLevel

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard ItemBackup.levels ~= level else {
            throw ValidationError("--level takes 1 to 19, not \(level)")
        }
    }

    func run() throws {
        let sources = try images.map(BenchOptions.open)
        var results: [ChunkerResult] = []
        for (kind, mean) in ChunkerBenchmark.candidates {
            results.append(
                try ChunkerBenchmark.run(
                    kind, mean: mean, on: sources, level: level,
                    threads: progress.threads ?? Threads.processorCount,
                    cancellation: Interrupts.cancellation))
        }
        try show(results)
    }

    private func show(_ results: [ChunkerResult]) throws {
        var table = Table([
            ("chunker", .left), ("mean", .right), ("chunks", .right), ("unique MB", .right),
            ("stored MB", .right), ("added by each image, MB", .left), ("GB/s", .right),
        ])
        for result in results {
            table.add([
                result.chunker.rawValue, Units.bytes(UInt64(result.mean)),
                Units.count(result.chunks), Self.megabytes(result.uniqueBytes),
                Self.megabytes(result.storedBytes),
                result.addedBytes.map(Self.megabytes).joined(separator: "/"),
                Units.fixed(result.bytesPerSecond / 1e9, 2),
            ])
        }
        try global.show(
            text: table.text,
            json: [
                "chunkers": .array(
                    results.map { result in
                        [
                            "chunker": .string(result.chunker.rawValue),
                            "mean": JSON(result.mean), "chunks": .number(result.chunks),
                            "unique_chunks": .number(result.uniqueChunks),
                            "data_bytes": .number(result.dataBytes),
                            "unique_bytes": .number(result.uniqueBytes),
                            "stored_bytes": .number(result.storedBytes),
                            "added_bytes": .array(result.addedBytes.map(JSON.number)),
                            "bytes_per_second": .fraction(result.bytesPerSecond),
                        ]
                    })
            ])
    }

    private static func megabytes(_ bytes: UInt64) -> String {
        Units.count((bytes + 500_000) / 1_000_000)
    }
}
