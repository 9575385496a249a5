import ArgumentParser
import KuraFormat
import KuraIO
import KuraImages
import KuraOperations
import KuraVault
import SystemPackage

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restore disks of a recovery point.",
        discussion: Help.flowing(
            """
            One disk goes to a file or a block device, several go into a directory. A file is
            sparse and appears under its name when it is complete. With --force it replaces an
            existing file, which stays as it is until then; that takes room for both. A block
            device is overwritten with --device only, and never while it is mounted or in use.
            Every chunk is checked on the way.

            --format writes images: vhd is of fixed size in whole MiB, as Azure takes it;
            vhd-dynamic, vhdx, qcow2 (with --compress, too), vmdk (streamOptimized) and vdi are
            written by qemu-img (qemu-utils), which gets the disk from Kura; ova is one archive
            of all disks with a description of their machine, in which processors, memory and the
            operating system are guesses. A disk of a fixed VHD may be longer, by zeros.

            Chunks that no replica has make a restore fail. With --skip-lost, the restore writes
            zeros in their place, prints the ranges, and ends with exit code 12. Run
            kura verify --repair first.

            EXAMPLES
              kura restore web@latest --output web.img
              kura restore web@2026-01-31T23:00 --output before.img
              kura restore web@latest --format vhd --output web.vhd
              kura restore 3f2a91c0 --disk data.img --output /dev/vdb --device
              kura restore web@latest --output - | ssh host 'cat > web.img'
            """))

    @Argument(help: ArgumentHelp(PointName.help, valueName: "rp"))
    var point: PointName

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("A file, a block device, a directory, or -.", valueName: "path"))
    var output: String

    @Option(help: ArgumentHelp("Only this disk.", valueName: "name"))
    var disk: String?

    @Option(
        help: ArgumentHelp(
            "What the disks become: \(Self.formats). By default raw.", valueName: "format"))
    var format: String?

    @Flag(help: "Compress the bytes in a qcow2.")
    var compress = false

    @Flag(help: "Replace an existing file.")
    var force = false

    @Flag(help: "Overwrite a block device.")
    var device = false

    @Flag(help: "Write zeros for lost chunks, and print their ranges.")
    var skipLost = false

    @OptionGroup var rights: RightsOptions

    @Option(help: ArgumentHelp("Read from this region only.", valueName: "name"))
    var region: String?

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    private static let formats = OutputFormat.allCases.map(\.rawValue).joined(separator: ", ")

    func validate() throws {
        guard !output.isEmpty else { throw ValidationError("--output is empty") }
        if let format, OutputFormat(rawValue: format) == nil {
            throw ValidationError("--format takes \(Self.formats), not \(format)")
        }
        guard !compress || format == OutputFormat.qcow2.rawValue else {
            throw ValidationError("--compress goes with --format qcow2")
        }
    }

    func run() throws {
        let subscription = try global.subscription()
        let found = try Operations(
            subscription, global.context(threads: progress.threads)
        ).subscription.recoveryPoint(
            point.reference, in: vault, region: region)
        let report = try progress.shown(
            as: "restoring", of: found.point.item, subscription, global
        ) { operations throws(KuraError) in
            var request = PointRestore(found, disk: disk, to: try target())
            request.isRegionChosen = region != nil
            request.overwrites = force
            request.overwritesDevice = device
            request.skipsLost = skipLost
            request.outputUser = rights.user
            request.format = RestoreFormat(
                format.flatMap { OutputFormat(rawValue: $0) } ?? .raw, isCompressed: compress)
            return try operations.restore(request)
        }
        let total = report.total
        progress.printStages(
            total.stages, seconds: total.seconds,
            threads: progress.threads ?? Threads.processorCount)
        if output == "-" {
            for line in Self.lines(total.lost) { Terminal.warn(line) }
        } else {
            try show(report)
        }
        for warning in report.warnings { Terminal.warn(warning) }
        if !total.lost.isEmpty { throw EarlyExit.damage }
        if !report.warnings.isEmpty { throw EarlyExit.warnings }
    }

    private func target() throws(KuraError) -> PointRestore.Output {
        guard output == "-" else { return .path(FilePath(output)) }
        guard Terminal.isOutputOpen else { throw Terminal.closedOutput("it is closed") }
        return .stream(descriptor: Terminal.outputDescriptor, name: "standard output")
    }

    private func show(_ report: PointRestoreReport) throws {
        var lines: [String] = []
        for disk in report.disks {
            let restored = disk.report
            lines.append(
                "restored \(disk.disk.name) to \(disk.path?.string ?? output): "
                    + "\(Units.bytes(restored.bytesWritten)), of it data "
                    + "\(Units.bytes(restored.dataBytes)), in "
                    + "\(Units.duration(restored.seconds)) "
                    + "(\(Units.rate(restored.bytesWritten, seconds: restored.seconds)))")
            lines += Self.lines(restored.lost)
        }
        let total = report.total
        try global.show(
            text: lines.joined(separator: "\n"), ids: report.disks.compactMap(\.path?.string),
            json: [
                "recovery_point": .string(report.point.hex),
                "format": .string(format ?? OutputFormat.raw.rawValue), "job": .string(report.job),
                "bytes_written": .number(total.bytesWritten),
                "data_bytes": .number(total.dataBytes),
                "decoded_bytes": .number(total.decodedBytes), "seconds": .fraction(total.seconds),
                "outputs": .array(report.disks.map(Self.json)),
                "damaged": .array(report.damage.map { DamageView($0).json() }),
            ])
    }

    private static func json(_ disk: PointRestoreReport.Disk) -> JSON {
        [
            "disk": .string(disk.disk.name), "path": JSON(disk.path?.string),
            "bytes_written": .number(disk.report.bytesWritten),
            "data_bytes": .number(disk.report.dataBytes),
            "decoded_bytes": .number(disk.report.decodedBytes),
            "lost": .array(disk.report.lost.map(json)),
        ]
    }

    private static func json(_ lost: Range<UInt64>) -> JSON {
        ["offset": .number(lost.lowerBound), "bytes": .number(lost.upperBound - lost.lowerBound)]
    }

    /// Lines on screen; JSON has all.
    private static let lostLinesMax = 20

    private static func lines(_ lost: [Range<UInt64>]) -> [String] {
        guard !lost.isEmpty else { return [] }
        let bytes = lost.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
        var lines = ["lost: \(Units.bytes(bytes)) that no replica has, written as zeros:"]
        for range in lost.prefix(lostLinesMax) {
            lines.append("  \(range.upperBound - range.lowerBound) bytes at \(range.lowerBound)")
        }
        if lost.count > lostLinesMax {
            lines.append("  and \(lost.count - lostLinesMax) more ranges: see --json")
        }
        return lines
    }
}
