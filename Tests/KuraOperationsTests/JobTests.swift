import Glibc
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage
import Testing
import TestSupport

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
