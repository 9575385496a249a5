import Glibc
import KuraIO
import KuraOperations
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("Two homes with one inventory", .timeLimit(.minutes(2))) struct TwoHomesTests {
    /// Freezing waits for a file, and every call of a hook leaves a line.
    private static let machine = #"""
        {"power": "running", "agent": {"version": "1"}, "quiesce": {"freeze": ["sh", "-c",
         "echo freeze >> hooks; echo > on; until [ -e go ]; do sleep 0.01; done"],
          "thaw": ["sh", "-c", "echo thaw >> hooks"]},
         "disks": [{"name": "os", "path": "os.img", "lun": -1}]}
        """#

    private func otherHome(of estate: Estate) throws -> Subscription {
        let region = try estate.subscription.region(named: Estate.region)
        let home = estate.directory.appending("other")
        let kura = try Operations.rebuildCatalog(
            home: home, replicas: region.replicas.map { FilePath($0.place) }, context: .test()
        ).subscription
        _ = try kura.setInventory(estate.inventory)
        _ = try kura.operations.discover()
        return kura
    }

    @Test("never freeze or thaw a machine that the other one backs up; the schedule goes on later")
    func exclusion() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(time: utc("2026-01-01"))
            try estate.machine("web", "web-1", file: Self.machine)
            _ = try estate.operations.discover()
            // Its hooks run as they were registered.
            try estate.succeed(estate.operations.register(["web-1"]))
            let folder = estate.folder("web", "web-1")
            let (one, other) = (try estate.reopened(), try otherHome(of: estate))
            try writeFile([], to: folder.appending("on"))
            let watch = try #require(FileWatch(folder.appending("on"), for: .close))
            let time = try utc("2026-01-01", "23:00")
            Threads.run(2) { number in
                do {
                    if number == 0 {
                        let report = try one.at(time).operations.tick()
                        #expect(report.backups.first?.report != nil)
                        return
                    }
                    defer { close(open(folder.appending("go").string, O_CREAT | O_WRONLY, 0o600)) }
                    #expect(watch.wait(until: Clock.steady() + 60_000_000_000, Cancellation()))
                    let hurried = other.onBehalf(of: .test(waits: WaitPolicy(limit: 0)))
                    #expect(hurried.operations.backUp("web-1").error?.code == .locked)
                    let report = try other.at(time).operations.tick()
                    #expect(report.skipped.first?.error?.code == .locked)
                    #expect(try report.skipped.first?.again == utc("2026-01-01", "23:02"))
                } catch {
                    Issue.record(error)
                }
            }
            let bytes = try LocalFileSystem().contents(folder.appending("hooks"), max: 1000)
            #expect(String(decoding: bytes, as: UTF8.self) == "freeze\nthaw\n")
            // The other home's point counts for the run of both.
            let later = try other.at(utc("2026-01-01", "23:02")).operations.tick()
            #expect(later.backups.isEmpty && later.skipped.isEmpty)
            #expect(try estate.vault().recoveryPointIDs().count == 1)
        }
    }
}
