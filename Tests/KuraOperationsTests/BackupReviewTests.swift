import KuraFormat
import KuraIO
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

    @Test("an image is taken as it is where that was asked for")
    func raw() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let report = try backup(house, Self.image) { $0.takesRawBytes = true }
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
                error?.message.hasSuffix("os.img is a qcow2 image, not the bytes of a disk") == true
            )
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
            #expect(report.problems.allSatisfy { $0.message.contains("its format is qcow2") })
        }
    }
}
