import Glibc
import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Jobs of operations") struct OperationJobTests {
    @Test("A job that ended before it began by the clock took no time")
    func clockWentBack() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let late = try house.operations(.test(at: 4_000_000_000_000_000_000))
            _ = try late.withJob(.verify) { job throws(KuraError) in
                // Without its lock, its process counts as dead.
                unlink(house.home.appending("jobs").appending(job.id).string)
                do {
                    let found = try house.subscription().job(job.id)
                    #expect(found.status == .failed)
                    #expect(try #require(found.ended) < found.started)
                    #expect(found.seconds == 0)
                } catch {
                    Issue.record(error)
                }
            }
        }
    }

    @Test("A job at the end of time does not trap")
    func endOfTime() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let last = try house.operations(.test(at: .max))
            let id = try last.withJob(.verify) { _ throws(KuraError) in }.id
            #expect(try house.subscription().job(id).status == .completed)
        }
    }
}

@Suite("Callers of operations") struct CallerTests {
    @Test("Two callers side by side in one process each leave their own name in the audit journal")
    func sideBySide() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let shared = try house.subscription()
            let failures = Mutex<[String]>([])
            let names = ["alice@portal", "bob@portal"]
            Threads.run(names.count) { number in
                let operations = Operations(shared, .test(names[number]))
                do {
                    for _ in 0..<3 {
                        if number == 0 {
                            _ = try operations.verify(Verification())
                        } else {
                            _ = try operations.prune(Pruning())
                        }
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            #expect(failures.withLock { $0 } == [])
            let entries = try house.subscription().audit(of: house.place().reading()).map(\.entry)
            let actors = { (operation: String) in
                entries.filter { $0.operation == operation }.map(\.actor)
            }
            #expect(actors("Verify") == Array(repeating: names[0], count: 3))
            #expect(actors("Prune") == Array(repeating: names[1], count: 3))
            #expect(
                try house.subscription().auditProblems(
                    of: house.place().reading(),
                    house.subscription().audit(of: house.place().reading())
                ).isEmpty)
        }
    }
}
