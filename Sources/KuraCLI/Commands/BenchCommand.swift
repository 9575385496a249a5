import ArgumentParser
import KuraFormat
import KuraIO
import KuraStore
import KuraVault
import SystemPackage

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure, without storing anything.",
        subcommands: [BenchChunkersCommand.self])
}

struct BenchChunkersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chunkers",
        abstract: "Compare ways of chunking on given images, taken in order as one vault.",
        discussion: """
            UNIQUE is what deduplication leaves, STORED what zstd leaves of that, GB/S finding
            the cuts on one core, holes not counted.

            EXAMPLES
              kura bench chunkers day1.img day2.img other.img
            """)

    @Argument(help: ArgumentHelp("Disk images, oldest first.", valueName: "image"))
    var images: [String]

    @Option(help: "Level of zstd, 1 to 19.")
    var level = BackupRequest.defaultLevel

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard 1...19 ~= level else { throw ValidationError("--level takes 1 to 19, not \(level)") }
    }

    func run() throws {
        var sources: [SourceFile] = []
        for image in images {
            do throws(SourceError) {
                sources.append(try SourceFile(FilePath(image)))
            } catch {
                throw StoreError(error)
            }
        }
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
