import ArgumentParser
import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Give disks of a recovery point to programs, by NBD.",
        discussion: Help.flowing(
            """
            Serves the disks, read-only, until it is stopped by Ctrl-C or SIGTERM, which is its
            regular end. Its addresses are for programs that speak NBD: qemu-img, qemu-nbd,
            nbdcopy, nbdkit, or a machine of QEMU whose own disk is an overlay on one. Every chunk
            is checked before a byte of it is given out; a read of one that is lost is an error.
            Prune keeps what the point needs until the export ends.

            A socket is a file that only this user can connect to; without --socket it lies in a
            new folder. --port opens a port of 127.0.0.1, to which every user of this machine can
            connect, because NBD knows no passwords.

            EXAMPLES
              kura export web@latest --socket web.socket
              kura export web@latest --disk os --port 10809
              qemu-img convert -O qcow2 'nbd+unix:///?socket=web.socket' web.qcow2
              qemu-img create -f qcow2 -F raw -b 'nbd+unix:///?socket=/run/web' overlay.qcow2
            """))

    @Argument(help: ArgumentHelp(PointName.help, valueName: "rp"))
    var point: PointName

    @Option(help: ArgumentHelp("Only this disk.", valueName: "name"))
    var disk: String?

    @Option(help: ArgumentHelp("The socket; a new file.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("A port of 127.0.0.1; 0 for any that is free.", valueName: "n"))
    var port: UInt16?

    @Option(help: ArgumentHelp("Read from this region only.", valueName: "name"))
    var region: String?

    @Option(help: ArgumentHelp("Only this vault.", valueName: "name"))
    var vault: String?

    @Option(help: "Requests of one client that are answered at once; by default one a processor.")
    var threads: Int?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard socket == nil || port == nil else {
            throw ValidationError("--socket and --port cannot be given together")
        }
        if let socket, socket.isEmpty { throw ValidationError("--socket is empty") }
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads takes 1 to 256, not \(threads)")
        }
    }

    func run() throws {
        let subscription = try global.subscription()
        let operations = Operations(subscription, global.context(threads: threads))
        let found = try operations.subscription.recoveryPoint(
            point.reference, in: vault, region: region)
        // Gone with its socket when the export ends.
        let folder = socket == nil && port == nil ? try PrivateFolder() : nil
        defer { folder?.remove("socket") }
        var request = PointExport(found, disk: disk, at: .port(port ?? 0))
        if let socket {
            request.place = .socket(FilePath(argument: socket))
        } else if let folder {
            request.place = .socket(folder.path.appending("socket"))
        }
        request.isRegionChosen = region != nil
        let global = global
        let isPort = port != nil
        let report = try operations.export(request) { address throws(KuraError) in
            try withKuraErrors { try Self.show(address, isPort: isPort, global) }
        }
        for warning in report.warnings { Terminal.warn(warning) }
        if report.damage.contains(where: { !$0.isRepaired }) { throw EarlyExit.damage }
        if !report.warnings.isEmpty { throw EarlyExit.warnings }
    }

    private static func show(
        _ address: PointExportAddress, isPort: Bool, _ global: GlobalOptions
    ) throws {
        var table = Table([("disk", .left), ("size", .right), ("address", .left)])
        for disk in address.disks {
            table.add([disk.disk.name, Units.bytes(disk.disk.byteCount), disk.address])
        }
        try global.show(
            text: table.text, ids: address.disks.map(\.address),
            json: [
                "recovery_point": .string(address.point.hex), "job": .string(address.job),
                "disks": .array(
                    address.disks.map { disk in
                        [
                            "name": .string(disk.disk.name),
                            "logical_bytes": .number(disk.disk.byteCount),
                            "address": .string(disk.address),
                        ]
                    }),
            ])
        if isPort {
            Terminal.warn("every user of this machine can connect to the port")
        }
    }
}
