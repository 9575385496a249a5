import ArgumentParser
import KuraBench
import KuraFormat
import KuraIO
import KuraVault
import SystemPackage

struct BenchBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Measure a backup, re-read, restore and verify beside what this machine can do.",
        discussion: Help.flowing(
            """
            In a temporary home: a first backup of the image, one of it unchanged, one with 1 % of
            its 4 KiB blocks overwritten at random, a restore of the first one, and a verify of
            both levels, all from the page cache. The limit of each is the time that its bytes
            need at least by the speeds of kura bench limits, measured in the same run on the same
            image; --json has every term. RATIO 1 cannot be reached: the limit has no copies in
            memory, no look-ups, no waiting.

            EXAMPLES
              kura bench backup disk.img
              kura bench backup disk.img --copies 1 --directory /mnt/scratch --trace-stages
            """))

    @Argument(help: ArgumentHelp("A disk image.", valueName: "image"))
    var image: String

    @OptionGroup var options: BenchOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let threads = progress.threads ?? Threads.processorCount
        let source = try BenchOptions.open(image)
        let room = try BackupBenchmark.roomNeeded(for: source, copies: options.copies)
        let folder = try ScratchFolder(in: options.parent(of: image), needing: room)
        let (limits, rounds) = try folder.use {
            let limits = try LimitBenchmark(
                source, in: folder, options.limitOptions(threads: threads),
                cancellation: Interrupts.cancellation
            ).run()
            var rounds: [[BenchmarkStep]] = []
            for _ in 0..<options.rounds {
                rounds.append(try measure(limits, threads, in: folder.path))
            }
            return (limits, rounds)
        }
        let steps = BenchmarkStep.medians(rounds)
        for step in steps {
            if progress.traceStages { Terminal.writeError("\(step.kind.rawValue)\n") }
            progress.printStages(
                step.stages, seconds: step.seconds, threads: threads)
        }
        let view = LimitsView(limits, threads: threads, content: image)
        try global.show(
            text: view.text + "\n\n" + table(steps).text,
            json: view.json().merging([
                "copies": JSON(options.copies), "level": JSON(options.level),
                "rounds": JSON(options.rounds),
                "steps": .array(steps.map { step in json(step) }),
            ]))
    }

    /// One round in a home of its own, which is gone afterwards.
    private func measure(
        _ limits: MachineLimits, _ threads: Int, in parent: FilePath
    ) throws -> [BenchmarkStep] {
        let folder = try ScratchFolder(in: parent, needing: 0)
        return try folder.use {
            let home = folder.path.appending("home")
            let vault = try Subscription.open(
                home: home, create: .defaults, context: global.context(threads: threads)
            ).createVault(
                name: "bench", region: Subscription.defaultRegion, redundancy: .lrs,
                copies: options.copies)
            let benchmark = BackupBenchmark(
                FilePath(image), in: vault, scratch: folder, limits: limits, level: options.level,
                threads: threads, cancellation: Interrupts.cancellation)
            var steps: [BenchmarkStep] = []
            try benchmark.run { steps.append($0) }
            return steps
        }
    }

    private func table(_ steps: [BenchmarkStep]) -> Table {
        var table = Table([
            ("step", .left), ("time", .right), ("GB/s", .right), ("limit GB/s", .right),
            ("ratio", .right), ("bound by", .left), ("least seconds, by primitive", .left),
        ])
        for step in steps {
            let terms = step.limit.terms.map { term in
                "\(term.name) \(Units.fixed(term.seconds, 2))"
            }
            table.add([
                step.kind.title, "\(Units.fixed(step.seconds, 2)) s",
                LimitsView.gigabytes(step.bytesPerSecond),
                LimitsView.gigabytes(step.limitBytesPerSecond), Units.fixed(step.ratio, 2),
                step.limit.bound.title, terms.joined(separator: ", "),
            ])
        }
        return table
    }

    private func json(_ step: BenchmarkStep) -> JSON {
        let limit = step.limit
        return [
            "step": .string(step.kind.rawValue), "seconds": .fraction(step.seconds),
            "bytes": .number(step.bytes), "bytes_per_second": .fraction(step.bytesPerSecond),
            "ratio": .fraction(step.ratio),
            "limit": [
                "seconds": .fraction(limit.seconds), "bound": .string(limit.bound.rawValue),
                "bytes_per_second": step.limitBytesPerSecond.map(JSON.fraction) ?? .null,
                "processor_seconds": .fraction(limit.processorSeconds),
                "device_read_seconds": .fraction(limit.deviceReadSeconds),
                "device_write_seconds": .fraction(limit.deviceWriteSeconds),
                "processor_terms": .array(
                    limit.processor.map { term in
                        [
                            "primitive": .string(term.primitive.rawValue),
                            "bytes": .number(UInt64(term.bytes)),
                            "seconds": .fraction(term.seconds),
                        ]
                    }),
            ],
        ]
    }
}

extension BenchmarkStep.Kind {
    fileprivate var title: String {
        switch self {
        case .first: "first backup"
        case .unchanged: "unchanged"
        case .scattered: "1 % scattered"
        case .restore: "restore"
        case .verifyPacks: "verify packs"
        case .verifyChunks: "verify chunks"
        }
    }
}

extension SpeedLimit.Bound {
    fileprivate var title: String {
        switch self {
        case .processor: "processor"
        case .deviceRead: "device, reading"
        case .deviceWrite: "device, writing"
        }
    }
}

extension SpeedLimit {
    /// Everything the limit is made of, each primitive once.
    fileprivate var terms: [(name: String, seconds: Double)] {
        var terms: [(name: String, seconds: Double)] = []
        for primitive in Primitive.allCases {
            let mine = processor.filter { $0.primitive == primitive }
            guard !mine.isEmpty else { continue }
            terms.append((primitive.rawValue, mine.reduce(0) { $0 + $1.seconds }))
        }
        if deviceReadSeconds > 0 { terms.append(("| device reading", deviceReadSeconds)) }
        if deviceWriteSeconds > 0 { terms.append(("| device writing", deviceWriteSeconds)) }
        return terms
    }
}
