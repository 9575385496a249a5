import KuraFormat
import KuraIO
import KuraImages
import KuraMachines
import KuraOperations
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("What makes no point") struct BackupReviewTests {
    private static let qcow2: [UInt8] = [0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]
    private static let disk = SyntheticDisk(seed: 1, byteCount: 100_000).bytes
    private static let image = qcow2 + disk.dropFirst(8)

    private func backup(
        _ house: Household, _ bytes: [UInt8], item: String = "new",
        _ change: (inout ItemBackup) -> Void = { _ in }
    ) throws -> ItemBackupReport {
        let disk = ItemBackup.Disk(name: "disk", source: MemorySource(name: "d.img", bytes))
        var request = ItemBackup(try house.place(), item: item, disks: [disk])
        change(&request)
        return try house.operations().backup(request)
    }

    private func error(_ body: () throws -> Void) -> KuraError? {
        #expect(throws: KuraError.self) { try body() }
    }

    private func points(_ house: Household, item: String = "new") throws -> Int {
        try house.place().reading().recoveryPoints().count { $0.point.item == item }
    }

    // MARK: - Images in formats of their own

    @Test("an image in a format of its own makes no point, and the error says what to do")
    func format() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let error = error { _ = try backup(house, Self.image) }
            #expect(error?.code == .refused)
            #expect(error?.message == "d.img is a qcow2 image, not the bytes of a disk")
            guard case .anyOf(let remedies) = error?.remedy else {
                Issue.record("no choice of remedies")
                return
            }
            #expect(remedies.last == .point(.backUpRaw))
            #expect(try points(house) == 0)
            #expect(try house.newestJob()?.status == .failed)
            #expect(try house.place().writing().interruptedSessions().isEmpty)
        }
    }

    @Test("what has the name of an image and not its bytes makes no first point unasked")
    func cutOff() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let disk = ItemBackup.Disk(
                name: "disk", source: MemorySource(name: "d.vhd", Self.disk))
            var request = ItemBackup(try house.place(), item: "new", disks: [disk])
            let error = error { _ = try house.operations().backup(request) }
            #expect(error?.code == .refused)
            #expect(error?.message == "d.vhd does not look like a vhd image, as its name says")
            request.reading.format = .raw
            #expect(try house.operations().backup(request).warnings.isEmpty)
        }
    }

    @Test("an image is taken as it is where that was asked for")
    func raw() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let report = try backup(house, Self.image) { $0.reading.format = .raw }
            #expect(report.warnings.isEmpty)
            #expect(try points(house) == 1)
        }
    }

    @Test("a header that a guest wrote into its disk warns, and ends no backups")
    func guestHeader() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            #expect(try backup(house, Self.disk).warnings.isEmpty)
            let report = try backup(house, Self.image)
            #expect(
                report.warnings.map(\.message) == [
                    "d.img looks like a qcow2 image; its bytes were taken as they are, like those "
                        + "of earlier points of disk disk"
                ])
            #expect(try points(house) == 2)
        }
    }

    @Test("a compressed file warns")
    func compressed() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let report = try backup(house, [0x1f, 0x8b, 8] + Self.disk)
            #expect(report.warnings.count == 1)
            #expect(report.warnings.first?.message.contains("compressed by gzip") == true)
            #expect(try points(house) == 1)
        }
    }

    // MARK: - Disks that have become smaller

    @Test(
        "a disk of no bytes, and one of less than half the bytes it had, make no point unasked",
        arguments: [(0, true), (49_999, true), (50_000, false), (100_001, false)])
    func shrunk(_ byteCount: Int, _ isRefused: Bool) throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            _ = try backup(house, Self.disk)
            let bytes = [UInt8]((Self.disk + Self.disk).prefix(byteCount))
            if isRefused {
                let error = error { _ = try backup(house, bytes) }
                #expect(error?.code == .refused)
                #expect(
                    error?.message
                        == (byteCount == 0
                            ? "d.img has no bytes"
                            : "d.img has 49999 bytes; disk disk of the newest recovery point has "
                                + "100000"))
                #expect(error?.remedy == .point(.allowShrinking))
                #expect(try points(house) == 1)
            }
            let report = try backup(house, bytes) { $0.allowsShrinking = isRefused }
            #expect(report.warnings.isEmpty)
            #expect(try points(house) == 2)
        }
    }

    @Test("a first point of no bytes is not made unasked")
    func firstEmpty() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            #expect(error { _ = try backup(house, []) }?.code == .refused)
            #expect(try points(house) == 0)
        }
    }

    /// A stream that gives some bytes and ends.
    private func stream(
        _ bytes: [UInt8], _ body: (StreamSource) throws -> Void
    ) throws {
        let ends = try FileDescriptor.pipe()
        let writer = SerialWorker()
        writer.submit {
            do {
                _ = try ends.writeEnd.writeAll(bytes)
                try ends.writeEnd.close()
            } catch {
                Issue.record(error)
            }
        }
        defer { writer.stop() }
        try body(StreamSource(descriptor: ends.readEnd.rawValue, name: "stream"))
        try ends.readEnd.close()
    }

    @Test("a stream that was cut off makes no point, and leaves no work for other backups")
    func cutStream() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            _ = try backup(house, Self.disk)
            try stream(Array(Self.disk.prefix(1000))) { source in
                let request = ItemBackup(
                    try house.place(), item: "new",
                    disks: [ItemBackup.Disk(name: "disk", source: source)])
                let error = error { _ = try house.operations().backup(request) }
                #expect(error?.code == .refused)
                #expect(error?.message.hasPrefix("stream has 1000 bytes") == true)
            }
            #expect(try points(house) == 1)
            #expect(try house.place().writing().interruptedSessions().isEmpty)
            #expect(try house.damage().isEmpty)
        }
    }

    // MARK: - Items that are mixed up

    @Test(
        "an item that has the name of its disk warns where another disk of that name comes",
        arguments: [
            ("/a/d.img", "/b/d.img", true, true), ("/a/d.img", "/a/d.img", true, false),
            ("/a/d.img", "/b/d.img", false, false), ("d.img", "/b/d.img", true, false),
        ])
    func mixedUp(_ first: String, _ second: String, _ isDerived: Bool, _ warns: Bool) throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            for origin in [first, second] {
                let source = MemorySource(name: "d.img", Self.disk)
                let disk = ItemBackup.Disk(name: "disk", source: source, origin: origin)
                var request = ItemBackup(try house.place(), item: "d", disks: [disk])
                request.isItemDerived = isDerived
                let warnings = try house.operations().backup(request).warnings
                let isExpected = warns && origin == second
                #expect(
                    warnings.map(\.message)
                        == (isExpected
                            ? ["item d has points of /a/d.img, and this one is of /b/d.img"] : []))
            }
        }
    }

    // MARK: - Clocks and sets of disks

    @Test(
        "a clock that is behind the newest point warns",
        arguments: [(3 * 86_400 + 7200, "3 days"), (7200, "2 hours"), (59, nil), (-86_400, nil)]
            as [(Int64, String?)])
    func clockBehind(_ seconds: Int64, _ words: String?) throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let point = try house.latest().point
            let file = try FileSource(directory.appending("disk.img"))
            let time = point.time - seconds * 1_000_000_000
            let request = ItemBackup(
                try house.place(), item: Household.item,
                disks: [ItemBackup.Disk(name: "disk.img", source: file)])
            let kura = try house.subscription().at(time)
            let warnings = try kura.operations.backup(request).warnings
            #expect(
                warnings.map(\.message)
                    == [words].compactMap(\.self).map {
                        "the clock is \($0) behind the newest recovery point of web"
                    })
        }
    }

    @Test("a set of disks that changed warns, and names each")
    func otherDisks() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            func warnings(_ names: String...) throws -> [String] {
                let disks = names.map { name in
                    ItemBackup.Disk(name: name, source: MemorySource(name: name, Self.disk))
                }
                let request = ItemBackup(try house.place(), item: "new", disks: disks)
                return try house.operations().backup(request).warnings.map(\.message)
            }
            #expect(try warnings("os", "data0").isEmpty)
            #expect(try warnings("data0", "os").isEmpty)
            #expect(
                try warnings("os", "data1") == [
                    "item new has other disks than in its newest recovery point: data0 is missing, "
                        + "data1 is new"
                ])
            #expect(try warnings("os", "data1").isEmpty)
            #expect(try warnings("os").count == 1)
            // One file instead of another one.
            #expect(try warnings("monday.img").isEmpty)
            #expect(try warnings("os", "data1").count == 1)
        }
    }

    @Test("a machine whose only disk has become another one warns")
    func otherOnlyDisk() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected()
            #expect(estate.operations.backUp("web-1").warnings.isEmpty)
            let folder = estate.folder("web", "web-1")
            try LocalFileSystem().rename(
                folder.appending("os.img"), to: folder.appending("disk.img"), replacing: false)
            #expect(
                estate.operations.backUp("web-1").warnings.map(\.message) == [
                    "item web-1 has other disks than in its newest recovery point: os is missing, "
                        + "disk is new"
                ])
        }
    }

    // MARK: - Disks that a machine writes to

    @Test("an image that a machine writes to makes no point unasked, and then warns")
    func live() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let path = directory.appending("disk.img")
            let holder = try lockByte(101, of: path)
            let error = error { _ = try house.operations().backup(house.backup()) }
            #expect(error?.code == .refused)
            #expect(error?.message == "a running machine (QEMU) writes to \(path)")
            var request = try house.backup()
            request.readsLiveDisks = true
            #expect(try house.operations().backup(request).warnings.count == 1)
            try holder.close()
            #expect(try house.operations().backup(house.backup()).warnings.isEmpty)
        }
    }

    @Test(
        "a machine's disk that is written to warns where its description says that it is off",
        arguments: ["running", "stopped"])
    func liveMachine(_ power: String) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let file =
                #"{"power": "\#(power)", "agent": {"version": "1"}}"#
            try estate.machine("web", "db-1", file: file)
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(["db-1"]))
            try estate.succeed(estate.operations.protect(["db-1"], policy: "DefaultPolicy"))
            let image = estate.folder("web", "db-1").appending("os.img")
            let holder = try lockByte(101, of: image)
            let outcome = estate.operations.backUp("db-1")
            try holder.close()
            #expect(outcome.error == nil)
            let isTold = outcome.warnings.contains { $0.message.contains("(QEMU) writes to") }
            // Where the file system can, a clone of one moment is read instead.
            let machine = try #require(estate.subscription.catalog().machines().first)
            let clone = DiskSnapshot.take(
                of: try DiskPlaces().open(machine.disks[0], of: machine))
            #expect(isTold == (power == "stopped" && clone == nil))
            clone?.remove()
        }
    }

    // MARK: - Machines

    private func machine(_ estate: Estate, file: String? = nil) throws -> MachineOutcome {
        try estate.machine("web", "db-1", file: file)
        try estate.write(Self.image, to: estate.folder("web", "db-1").appending("os.img"))
        _ = try estate.operations.discover()
        try estate.succeed(estate.operations.register(["db-1"]))
        try estate.succeed(estate.operations.protect(["db-1"], policy: "DefaultPolicy"))
        return estate.operations.backUp("db-1")
    }

    @Test("a machine's disk in a format of its own makes no point")
    func machineFormat() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let error = try machine(estate).error
            #expect(error?.code == .refused)
            #expect(
                error?.message.contains("os.img is a qcow2 image that cannot be read: ") == true)
            #expect(try estate.vault().recoveryPoints().isEmpty)
        }
    }

    @Test("a machine's disk that vm.json calls raw is taken as it is")
    func machineRaw() throws {
        try withTemporaryDirectory { directory in
            let file = #"{"disks": [{"name": "os", "path": "os.img", "lun": -1, "format": "raw"}]}"#
            let outcome = try machine(Estate(directory), file: file)
            #expect(outcome.error == nil)
            #expect(outcome.warnings.isEmpty)
        }
    }

    @Test("a discovery names the images that it does not take because of their format")
    func discovery() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine(
                "web", "db-1", disks: ["os.img", "data.qcow2", "notes.txt", ".old.vmdk"])
            let folder = estate.folder("web", "db-1")
            // By its bytes; one that is raw by its ending is always taken, whatever a guest wrote.
            try estate.write(Self.image, to: folder.appending("more"))
            try estate.write(Self.image, to: folder.appending("os.img"))
            try estate.write([0x1f, 0x8b, 8, 0], to: folder.appending("log.gz"))
            let report = try estate.operations.discover()
            #expect(report.machines.first?.disks.map(\.name) == ["os"])
            #expect(
                report.problems.map(\.path)
                    == ["data.qcow2", "more"].map { folder.appending($0).string })
            #expect(
                report.problems.map(\.message) == [
                    "not taken as a disk: its bytes tell of no qcow2 image. Convert it to a raw "
                        + "image, or list the machine's disks in vm.json",
                    "not taken as a disk: its format is qcow2. Convert it to a raw image, or list "
                        + "the machine's disks in vm.json",
                ])
        }
    }
}
