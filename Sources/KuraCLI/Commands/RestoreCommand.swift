import ArgumentParser
import Glibc
import KuraFormat
import KuraIO
import KuraStore
import KuraVault
import SystemPackage

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restore disks of a recovery point.",
        discussion: """
            One disk goes to a file or a block device, several go into a directory. A new file
            is sparse and appears under its name when it is complete. With --force an existing
            file or device is overwritten in place. Every chunk is checked on the way.

            What no copy has makes a restore fail. With --skip-lost it is left out, as zeros, and
            its places are told; the exit code is 12 all the same. Run kura verify --repair first.

            EXAMPLES
              kura restore web@latest --output web.img
              kura restore 3f2a91c0 --disk data.img --output /dev/vdb --force
              kura restore web@latest --output - | ssh host 'cat > web.img'
            """)

    @Argument(help: ArgumentHelp("An id, its first digits, or ITEM@latest.", valueName: "rp"))
    var point: String

    @Option(help: ArgumentHelp("A file, a block device, a directory, or -.", valueName: "path"))
    var output: String

    @Option(help: ArgumentHelp("Only this disk.", valueName: "name"))
    var disk: String?

    @Flag(help: "Overwrite an existing file or block device.")
    var force = false

    @Flag(help: "Leave out what no copy has, and say where that is.")
    var skipLost = false

    @Option(help: ArgumentHelp("Read from this region only.", valueName: "name"))
    var region: String?

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    func run() throws {
        let subscription = try global.subscription()
        let found = try subscription.recoveryPoint(point, in: vault, region: region)
        if let notice = subscription.place(of: found.vault).notice { Terminal.warn(notice) }
        let disks = try chosenDisks(found.point)
        healLostRuns(found.vault)
        if output == "-" { return try restoreToOutput(disks, found) }
        try refuseVaultDirectories(subscription)
        var outputs: [JSON] = []
        var lines: [String] = []
        var total = RestoreReport()
        let targets = try targets(for: disks)
        for (disk, path) in targets {
            let report = try subscription.runJob(
                .restore, vault: found.vault.record.name, item: found.point.item,
                cancellation: Interrupts.cancellation
            ) { run throws(KuraError) in
                run.begin(task: 0)
                run.keep(recoveryPoint: found.id.hex)
                return try restore(disk, to: path, found.vault, run)
            }.value
            total.bytesWritten += report.bytesWritten
            total.dataBytes += report.dataBytes
            total.decodedBytes += report.decodedBytes
            total.seconds += report.seconds
            total.lost += report.lost
            outputs.append([
                "disk": .string(disk.name), "path": .string(path.string),
                "bytes_written": .number(report.bytesWritten),
                "data_bytes": .number(report.dataBytes),
                "decoded_bytes": .number(report.decodedBytes),
                "lost": .array(report.lost.map(Self.json)),
            ])
            lines.append(
                "restored \(disk.name) to \(path): \(Units.bytes(report.bytesWritten)), of it data "
                    + "\(Units.bytes(report.dataBytes)), in \(Units.duration(report.seconds)) "
                    + "(\(Units.rate(report.bytesWritten, seconds: report.seconds)))")
            lines += Self.lines(report.lost)
        }
        try global.show(
            text: lines.joined(separator: "\n"), ids: targets.map(\.1.string),
            json: [
                "recovery_point": .string(found.id.hex),
                "bytes_written": .number(total.bytesWritten),
                "data_bytes": .number(total.dataBytes),
                "decoded_bytes": .number(total.decodedBytes), "seconds": .fraction(total.seconds),
                "outputs": .array(outputs),
            ])
        try endWithWarnings(found.vault, total)
    }

    private static func json(_ lost: Range<UInt64>) -> JSON {
        ["offset": .number(lost.lowerBound), "bytes": .number(lost.upperBound - lost.lowerBound)]
    }

    /// Lines on screen; JSON has all.
    private static let lostLinesMax = 20

    private static func lines(_ lost: [Range<UInt64>]) -> [String] {
        guard !lost.isEmpty else { return [] }
        let bytes = lost.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
        var lines = ["lost: \(Units.bytes(bytes)) that no copy has, now zeros:"]
        for range in lost.prefix(lostLinesMax) {
            lines.append("  \(range.upperBound - range.lowerBound) bytes at \(range.lowerBound)")
        }
        if lost.count > lostLinesMax {
            lines.append("  and \(lost.count - lostLinesMax) more places: see --json")
        }
        return lines
    }

    /// A restore can do without an index run only when its packs are listed again. Where that
    /// fails, the restore says what it cannot find.
    private func healLostRuns(_ vault: Vault) {
        do throws(KuraError) {
            _ = try vault.healLostRuns()
        } catch {
            Terminal.warn("lost index runs were not rebuilt: \(error.message)")
        }
    }

    private func endWithWarnings(_ vault: Vault, _ report: RestoreReport) throws {
        for problem in vault.problems { Terminal.warn(problem.message) }
        healMetDamage(vault)
        if !report.lost.isEmpty { throw EarlyExit.damage }
        let isElsewhere = region == nil && vault.region.id != vault.record.activeRegion
        if !vault.damage.isEmpty || !vault.problems.isEmpty || isElsewhere {
            throw EarlyExit.warnings
        }
    }

    private func chosenDisks(_ point: RecoveryPoint) throws(KuraError) -> [DiskRecord] {
        guard let disk else { return point.disks }
        guard let found = point.disks.first(where: { $0.name == disk }) else {
            let names = point.disks.map(\.name).joined(separator: ", ")
            throw KuraError(
                .notFound, "the recovery point has no disk \(disk)", remedy: "its disks: \(names)")
        }
        return [found]
    }

    private func restoreToOutput(_ disks: [DiskRecord], _ found: LocatedPoint) throws {
        guard disks.count == 1 else {
            throw KuraError(
                .invalidInput, "standard output takes one disk, the recovery point has "
                    + "\(disks.count)", remedy: "choose one with --disk")
        }
        guard Terminal.isOutputOpen else { throw Terminal.closedOutput("it is closed") }
        let stream = OutputStream(
            descriptor: Terminal.outputDescriptor, name: "standard output")
        let report = try run(
            disks[0], .stream(stream), found.vault, Progress(), Interrupts.cancellation)
        for line in Self.lines(report.lost) { Terminal.warn(line) }
        try endWithWarnings(found.vault, report)
    }

    private func run(
        _ disk: DiskRecord, _ target: RestoreTarget, _ vault: Vault, _ meter: Progress,
        _ cancellation: Cancellation
    ) throws(KuraError) -> RestoreReport {
        let reporter = ProgressReporter("restoring", meter, style: progress.style(global))
        defer { reporter.stop() }
        let threads = progress.threads ?? Threads.processorCount
        let report = try vault.restore(
            disk, to: target, threads: threads, skipsLost: skipLost, progress: meter,
            cancellation: cancellation)
        progress.printStages(report.stages, seconds: report.seconds, threads: threads)
        return report
    }

    private func restore(
        _ disk: DiskRecord, to path: FilePath, _ vault: Vault, _ job: JobRun
    ) throws(KuraError) -> RestoreReport {
        let start = Clock.steady()
        let file: TargetFile
        do throws(TargetError) {
            file = try TargetFile(
                path, byteCount: disk.byteCount, overwrite: force,
                followsLink: path == FilePath(output))
        } catch {
            throw KuraError(error)
        }
        do {
            var report = try run(disk, .file(file), vault, job.progress, job.cancellation)
            try file.finish()
            report.seconds = Double(Clock.steady() - start) / 1e9
            return report
        } catch {
            file.abandon()
            throw KuraError(error)
        }
    }

    /// One disk goes to the path itself, or into it when it is a directory; several go into it.
    private func targets(
        for disks: [DiskRecord]
    ) throws(KuraError) -> [(DiskRecord, FilePath)] {
        let path = FilePath(output)
        let isDirectory: Bool
        do throws(IOError) {
            let fileSystem = LocalFileSystem()
            let exists = try fileSystem.exists(path)
            isDirectory = exists ? try fileSystem.status(path).kind == .directory : false
            if disks.count > 1, !exists { try fileSystem.makeDirectory(path) }
        } catch {
            throw KuraError(io: error)
        }
        guard disks.count > 1 || isDirectory else { return [(disks[0], path)] }
        // The names come from the vault: none of them may lead out of the directory.
        for disk in disks { try Name.check(disk.name, what: "a restored disk") }
        return disks.map { ($0, path.appending($0.name)) }
    }

    /// A restore into a region's own directories would damage what it reads from.
    private func refuseVaultDirectories(_ subscription: Subscription) throws(KuraError) {
        let target = Self.resolved(FilePath(output))
        for region in subscription.regions {
            for replica in region.replicas where target.starts(with: Self.resolved(replica.path)) {
                throw KuraError(
                    .invalidInput, "\(output) is inside replica \(replica.ordinal) of region "
                        + "\(region.name)", remedy: "choose a path outside the vault")
            }
        }
    }

    /// The path with every link followed, as far as it exists.
    private static func resolved(_ path: FilePath) -> FilePath {
        var missing: [FilePath.Component] = []
        var current = path
        while true {
            let text = current.isEmpty ? "." : current.string
            if let real = realpath(text, nil) {
                defer { free(real) }
                var result = FilePath(String(cString: real))
                for component in missing.reversed() { result.append(component) }
                return result
            }
            guard let last = current.lastComponent else { return path }
            missing.append(last)
            current.removeLastComponent()
        }
    }
}
