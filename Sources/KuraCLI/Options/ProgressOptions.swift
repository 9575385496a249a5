import ArgumentParser
import KuraIO
import KuraOperations
import KuraVault

/// Options of commands that work for a while.
struct ProgressOptions: ParsableArguments {
    enum Choice: String, ExpressibleByArgument, CaseIterable {
        case auto, json, none
    }

    @Option(help: "How progress is shown on standard error: auto, json or none.")
    var progress: Choice = .auto

    @Option(help: "Worker threads; by default one for each processor.")
    var threads: Int?

    @Flag(help: "Print busy and waiting time of each stage on standard error.")
    var traceStages = false

    func validate() throws {
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads takes 1 to 256, not \(threads)")
        }
    }

    func style(_ global: GlobalOptions) -> ProgressStyle {
        switch progress {
        case .json: .json
        case .none: .none
        case .auto: global.quiet ? .none : Terminal.errorIsTerminal ? .line : .log
        }
    }

    /// Runs an operation while its progress is drawn.
    /// - Parameters:
    ///   - verb: what is done: "backing up".
    ///   - subject: to what: the name of an item.
    ///   - dataBytes: how much data there is, about; 0 where the operation finds out itself,
    ///     or it is not known.
    func shown<T>(
        as verb: String, of subject: String = "", dataBytes: UInt64 = 0,
        _ subscription: Subscription, _ global: GlobalOptions,
        body: (Operations) throws(KuraError) -> T
    ) throws(KuraError) -> T {
        let meter = Progress()
        meter.update { $0.totalDataBytes = dataBytes }
        let reporter = ProgressReporter(verb, of: subject, meter, style: style(global))
        defer { reporter.stop() }
        return try body(
            Operations(subscription, global.context(threads: threads, progress: meter)))
    }

    /// The stage table: where the workers' time went.
    func printStages(_ stages: [StageTime], seconds: Double, threads: Int) {
        guard traceStages else { return }
        var table = Table([("stage", .left), ("seconds", .right), ("share", .right)])
        let wall = seconds * Double(threads)
        func add(_ name: String, _ time: Double) {
            let share = "\(Units.fixed(time / wall * 100, 1)) %"
            table.add([name, Units.fixed(time, 3), share])
        }
        var rest = wall
        for stage in stages where !stage.isBeside {
            let time = Double(stage.nanoseconds) / 1e9
            add(stage.name, time)
            rest -= time
        }
        add("other", max(0, rest))
        for stage in stages where stage.isBeside {
            table.add([stage.name, Units.fixed(Double(stage.nanoseconds) / 1e9, 3), "beside"])
        }
        Terminal.writeError(table.text + "\n")
    }
}
