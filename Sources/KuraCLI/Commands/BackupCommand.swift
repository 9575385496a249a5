import ArgumentParser
import Glibc
import KuraFormat
import KuraIO
import KuraImages
import KuraOperations
import KuraVault
import SystemPackage

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Make one recovery point of one item, with one disk for each path.",
        discussion: Help.flowing(
            """
            A disk is an image file, a block device, or - for standard input. With
            --stdin-from-command it is what a command writes, and no recovery point is made
            unless the command ends with exit status 0. An image that a running machine writes
            to, and a disk that lost more than half of its bytes, are refused unless options allow
            them. Chunks that the vault already has are not stored again. The recovery point
            exists once it is durable in every replica.

            Of an image in the format qcow2, VHD, VHDX, VMDK or VDI, and of each disk in an OVA,
            the disk is backed up that is in it: the same chunks as of a raw image. Formats are
            recognised by their headers; a disk that was raw before stays raw. An image that
            continues others needs all of them by --chain. An image that would lead to other
            files, or that is encrypted, is refused. All but VHD need qemu-nbd (qemu-utils), which
            reads in a jail.

            EXAMPLES
              kura backup disk.img
              kura backup web.qcow2 --chain base.qcow2
              kura backup os.img data.img --item web-server --tag before-upgrade
              kura backup --item host --stdin-from-command -- ssh host cat /dev/vda
            """))

    @Argument(
        help: ArgumentHelp("Disk images, block devices, or -; or a command.", valueName: "disk"))
    var disks: [String]

    @Option(
        help: ArgumentHelp(
            "The vault; by default \(Subscription.defaultVault), or the only one there is.",
            valueName: "name"))
    var vault: String?

    @Option(help: ArgumentHelp("The item; by default the first disk's name without its ending."))
    var item: String?

    @Option(help: "Level of zstd, 1 to 19: higher is smaller and slower.")
    var level = ItemBackup.defaultLevel

    @Flag(help: "Hash every byte with SHA-256, also where nothing seems to have changed.")
    var paranoid = false

    @Option(
        help: ArgumentHelp(
            "What the disks are: \(Self.formats). raw takes the bytes as they are.",
            valueName: "format"))
    var format: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The images that the disk's image continues, the nearest first. Behind the disk.",
            valueName: "base"))
    var chain: [String] = []

    @Option(
        help: ArgumentHelp(
            "A snapshot inside of a qcow2 image, in place of its present state.", valueName: "name")
    )
    var snapshot: String?

    @Flag(
        help: ArgumentHelp(
            "Run the command behind -- and take its output as the only disk; needs --item."))
    var stdinFromCommand = false

    @Flag(help: "Take a disk that has less than half the bytes it had before, or none.")
    var allowShrink = false

    @Flag(help: "Read an image although a running machine writes to it.")
    var live = false

    @Option(
        help: ArgumentHelp(
            "A tag for the point, to find it again with list --tag. May be given again.",
            valueName: "tag"))
    var tag: [String] = []

    @Flag(help: "Then copy to the paired region.")
    var replicate = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var global: GlobalOptions

    private static let formats = DiskFormat.allCases.map(\.rawValue).joined(separator: ", ")

    func validate() throws {
        guard ItemBackup.levels ~= level else {
            throw ValidationError("--level takes 1 to 19, not \(level)")
        }
        if let format, DiskFormat(rawValue: format) == nil {
            throw ValidationError("--format takes \(Self.formats), not \(format)")
        }
        if !chain.isEmpty || snapshot != nil {
            guard disks.count == 1, disks != ["-"], !stdinFromCommand, format != "raw" else {
                throw ValidationError("--chain and --snapshot are for one image, in a format")
            }
        }
        if stdinFromCommand {
            guard item != nil else {
                throw ValidationError(
                    "the output of a command has no name: give it one with --item")
            }
            return
        }
        if disks.contains("-"), item == nil {
            throw ValidationError("standard input has no name: give it one with --item")
        }
        if disks.filter({ $0 == "-" }).count > 1 {
            throw ValidationError("standard input can be read once only")
        }
    }

    func run() throws {
        if item == nil, RawArgument.isRaw(disks[0]) {
            throw ValidationError(
                "the name of \(RawArgument.shown(disks[0])) is not UTF-8: name the item with --item"
            )
        }
        let item = item ?? DiskName.withoutEnding(disks[0])
        // Names and disks are looked at first, so that a wrong one leaves no trace.
        try Name.checkPlainItem(item)
        let disks = try stdinFromCommand ? [start(disks)] : self.disks.map(open)
        var reading = DiskReading(format.flatMap { DiskFormat(rawValue: $0) })
        reading.snapshot = snapshot
        reading.bases = try chain.map { try FileSource(FilePath(argument: $0)) }
        let chosen = reading
        try global.makeHomeAtDefaultPlace()
        let subscription = try global.subscription()
        let dataBytes = disks.reduce(0) { $0 + $1.dataBytes }
        let report = try progress.shown(
            as: "backing up", of: item, dataBytes: dataBytes, subscription, global
        ) {
            operations throws(KuraError) in
            var request = ItemBackup(
                try operations.chosenVault(named: vault), item: item, disks: disks)
            request.level = level
            request.isParanoid = paranoid
            request.reading = chosen
            request.allowsShrinking = allowShrink
            request.readsLiveDisks = live
            request.isItemDerived = self.item == nil
            request.tags = tag
            request.replication = replicate ? .asked : .never
            return try operations.backup(request)
        }
        let made = report.made
        progress.printStages(
            made.stages, seconds: made.seconds,
            threads: progress.threads ?? Threads.processorCount)
        try show(report)
        for warning in report.warnings { Terminal.warn(warning) }
        if !report.warnings.isEmpty { throw EarlyExit.warnings }
    }

    private func open(_ path: String) throws(KuraError) -> ItemBackup.Disk {
        if path == "-" {
            let stream = StreamSource(
                descriptor: Terminal.inputDescriptor, name: "standard input",
                cancellation: Interrupts.cancellation)
            return ItemBackup.Disk(name: "disk", source: stream)
        }
        guard !path.contains("://") else {
            throw KuraError(
                .invalidInput, "\(path) is no file of this machine",
                remedy: .point(.backUpStream))
        }
        let name = RawArgument.shown(DiskName.last(path))
        try Name.check(name, what: "a disk")
        let file = FilePath(argument: path)
        let origin = CommandContext.directory.pushing(file).lexicallyNormalized()
        return ItemBackup.Disk(
            name: name, source: try FileSource(file), origin: origin.string)
    }

    private func start(_ command: [String]) throws(KuraError) -> ItemBackup.Disk {
        let source = try CommandSource(
            command, folder: CommandContext.directory, environment: CommandContext.environment,
            cancellation: Interrupts.cancellation)
        return ItemBackup.Disk(name: "disk", source: source)
    }

    private func show(_ done: ItemBackupReport) throws {
        let report = done.made
        let counts = report.point.counts
        let known = counts.dataBytes - counts.newBytes
        let rewritten =
            report.rewrittenBytes == 0
            ? ""
            : ", and \(Units.bytes(report.rewrittenBytes)) again to keep restores fast"
        let text = """
            recovery point \(report.id.short) of \(report.point.item) in vault \
            \(done.vault), \(report.point.consistency.name)
              read          \(Units.bytes(counts.logicalBytes)), of it data \
            \(Units.bytes(counts.dataBytes)), in \(Units.duration(report.seconds)) \
            (\(Units.rate(counts.logicalBytes, seconds: report.seconds)))
              deduplicated  \(Units.bytes(known)) (\(Units.percent(known, of: counts.dataBytes)))
              stored        \(Units.bytes(report.point.storedBytes)) for \
            \(Units.bytes(counts.newBytes)) of new data\(rewritten), in \(report.replicas.count) \
            \(report.replicas.count == 1 ? "copy" : "copies")
            """
        try global.show(
            text: text, ids: [report.id.hex],
            json: PointView(done.pointReport).json.merging([
                "metadata_bytes": .number(report.metadataBytes),
                "rewritten_bytes": .number(report.rewrittenBytes),
                "seconds": .fraction(report.seconds),
                "replicas": .array(report.replicas.map(JSON.init)),
                "job": .string(done.job),
                "warnings": .array(done.warnings.map { .string($0.text) }),
            ]))
    }
}

extension ItemBackup.Disk {
    /// What the file system keeps of it, about: the data that there is to read; 0 where it does not
    /// say.
    fileprivate var dataBytes: UInt64 {
        guard let origin else { return 0 }
        var status = stat()
        guard stat(origin, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
        return UInt64(status.st_blocks) * 512
    }
}

extension BackupCommand: TakesRawPaths {
    /// What --stdin-from-command runs gets its words as they are shown.
    var rawPaths: [String] { stdinFromCommand ? [] : disks + chain }
}

enum DiskName {
    /// The last component of a path, without swift-system's normalisation of control characters.
    static func last(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// "disk" for "images/disk.img"; the whole name where there is no ending.
    static func withoutEnding(_ path: String) -> String {
        let name = last(path)
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }
}
