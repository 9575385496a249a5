import Glibc
import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport
import Testing

/// What every operation promises, asked of each.
@Suite("What every operation promises") struct PromiseTests {
    @Test("It is a job, and an entry in the audit journal", arguments: OperationKind.allCases)
    func jobAndEntry(kind: OperationKind) throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory, machine: kind.needsMachine)
            #expect(try kind.run(house).isEmpty)
            let job = try #require(try house.newestJob())
            #expect(job.operation == kind.job)
            #expect(job.status == .completed, "\(job)")
            let entry = try #require(try house.newestEntry())
            #expect(entry.operation == kind.job.rawValue)
            #expect(entry.note.contains("job \(job.id)"))
        }
    }

    @Test(
        "Damage that it meets is healed before its job ends, and told",
        arguments: OperationKind.readers)
    func heals(kind: OperationKind) throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory, machine: kind.needsMachine)
            try house.damagePacks(in: kind.region)
            #expect(try !house.damage().isEmpty)
            let told = try kind.run(house)
            #expect(told.contains { $0.contains("healed from") }, "\(told)")
            let job = try #require(try house.newestJob())
            #expect(job.status == .completedWithWarnings)
            #expect(job.warnings.contains { $0.message.contains("healed from") })
            #expect(try house.damage().isEmpty)
        }
    }

    @Test("Cancelled, its job and the journal say so", arguments: OperationKind.interruptible)
    func cancelled(kind: OperationKind) throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory, machine: kind.needsMachine)
            let context = Context.test()
            context.cancellation.cancel()
            let error = #expect(throws: KuraError.self) { try kind.run(house, context) }
            #expect(error?.code == .interrupted)
            #expect(try house.newestJob()?.status == .cancelled)
            #expect(try house.newestEntry()?.note.contains("was cancelled") == true)
        }
    }

    @Test("A restore of several disks is one job")
    func oneJob() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            var request = try house.backup()
            request.item = "two"
            let file = try FileSource(directory.appending("disk.img"))
            request = ItemBackup(
                try house.place(), item: "two",
                disks: ["a", "b"].map { .init(name: $0, source: file) })
            _ = try house.operations().backup(request)
            let point = try house.subscription().recoveryPoint("two@latest")
            let output = directory.appending("out")
            _ = try house.operations().restore(PointRestore(point, to: .path(output)))
            let jobs = try house.subscription().jobs(JobFilter(operation: .restore))
            #expect(jobs.count == 1 && jobs[0].recoveryPoint == point.id.hex)
        }
    }
}

@Suite("Where operations write") struct OutputSafetyTests {
    /// A path of Kura's own, and how an output comes to it.
    enum Place: CaseIterable {
        case home, replica, otherRegion, link, parentLink

        func path(_ house: Household) throws -> FilePath {
            let inside = house.replica(Household.east, 1).appending("vaults")
            switch self {
            case .home: return house.home.appending("disk.img")
            case .replica: return inside.appending("disk.img")
            case .otherRegion:
                return house.replica(Household.west, 2).appending("new").appending("disk.img")
            case .link:
                let link = house.directory.appending("link.img")
                let identity = house.replica(Household.east, 1).appending("replica")
                #expect(symlink(identity.string, link.string) == 0)
                return link
            case .parentLink:
                let link = house.directory.appending("folder")
                #expect(symlink(inside.string, link.string) == 0)
                return link.appending("disk.img")
            }
        }
    }

    @Test(
        "A restore into the home or a replica is refused, also through links",
        arguments: Place.allCases)
    func restore(place: Place) throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            var request = PointRestore(try house.latest(), to: .path(try place.path(house)))
            request.overwrites = true
            let before = filesBelow(house.replica(Household.east, 1))
            let error = #expect(throws: KuraError.self) {
                try house.operations().restore(request)
            }
            #expect(error?.code == .invalidInput, "\(error.map(String.init(describing:)) ?? "")")
            let after = filesBelow(house.replica(Household.east, 1))
            #expect(
                after.filter { !$0.string.contains("/journal/") }
                    == before.filter { !$0.string.contains("/journal/") })
            #expect(try house.newestJob()?.status == .failed)
            #expect(try house.newestEntry()?.note.contains("failed: ") == true)
        }
    }

    @Test("A machine is not restored into the home or a replica either")
    func machine() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory, machine: true)
            for path in [house.home, house.replica(Household.west, 0)] {
                let before = filesBelow(house.replica(Household.west, 0))
                let error = #expect(throws: KuraError.self) {
                    try house.operations().restoreMachine(
                        MachineRestore(Household.machine, to: path, newName: "copy"))
                }
                #expect(error?.code == .invalidInput)
                #expect(filesBelow(house.replica(Household.west, 0)) == before)
                #expect(try house.newestJob()?.status == .failed)
            }
        }
    }

    @Test("A drill's scratch place is neither in the home nor in a replica")
    func drill() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            for path in [house.home, house.replica(Household.west, 0)] {
                let error = #expect(throws: KuraError.self) {
                    try house.operations().drill(
                        DrillRequest(vault: Household.vault, scratch: path))
                }
                #expect(error?.code == .invalidInput)
            }
        }
    }

    @Test("Relative paths start from the caller's directory, not from the process's")
    func relative() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let operations = try house.operations(.test(directory: directory))
            let request = PointRestore(try house.latest(), to: .path("here.img"))
            let report = try operations.restore(request)
            #expect(report.disks.map(\.path) == ["here.img"])
            let restored = try LocalFileSystem().contents(
                directory.appending("here.img"), max: 1 << 30)
            #expect(restored == house.content)
        }
    }
}
