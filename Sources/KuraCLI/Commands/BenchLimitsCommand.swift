import ArgumentParser
import KuraBench
import KuraIO
import SystemPackage

struct BenchLimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Measure what this machine can do at most, primitive by primitive.",
        discussion: Help.flowing(
            """
            Each primitive runs on the engine's own code and buffers, alone, with one thread and
            with all. zstd and the chunker depend on the data: give an image of yours. Without
            one, \(Units.bytes(SyntheticImage.byteCount)) of synthetic content are made: \
            \(SyntheticImage.summary).

            EXAMPLES
              kura bench limits disk.img
              kura bench limits --json
            """))

    @Argument(help: ArgumentHelp("A disk image.", valueName: "image"))
    var image: String?

    @OptionGroup var options: BenchOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let threads = progress.threads ?? Threads.processorCount
        let given = try image.map(BenchOptions.open)
        let room =
            LimitBenchmark.roomNeeded(copies: options.copies)
            + (given == nil ? SyntheticImage.byteCount : 0)
        let folder = try ScratchFolder(in: options.parent(of: image), needing: room)
        let limits = try folder.use {
            try LimitBenchmark(
                given ?? synthetic(in: folder), in: folder,
                options.limitOptions(threads: threads), cancellation: Interrupts.cancellation
            ).run()
        }
        let view = LimitsView(
            limits, threads: threads,
            content: given?.path.string ?? "synthetic content (\(SyntheticImage.summary))")
        try global.show(text: view.text, json: view.json())
    }

    private func synthetic(in folder: ScratchFolder) throws(KuraError) -> FileSource {
        let path = folder.path.appending("synthetic.img")
        try SyntheticImage.write(to: path)
        return try BenchOptions.open(path.string)
    }
}
