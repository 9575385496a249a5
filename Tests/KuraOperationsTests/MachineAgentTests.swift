import KuraIO
import KuraMachines
import KuraOperations
import KuraPolicy
import KuraVault
import Synchronization
import TestSupport
import Testing

@Suite("Agents, jobs that begin, and who runs the schedule")
struct MachineAgentTests {
    private static let stopped = #"{"power": "stopped"}"#
    private static let ready = #"""
        {"power": "running", "os": "windows",
         "agent": {"installed": true, "version": "2.6.1198.718"}}
        """#

    @Test("Agents are looked at again, and a machine that is gone says why")
    func agents() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "web-1", file: Self.stopped)
            try estate.machine("web", "web-2", file: Self.stopped)
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(["web-1"]))
            var agents = try estate.operations.machineAgents(ofVault: "tokyo")
            #expect(agents.map(\.name) == ["web-1", "web-2"])
            #expect(agents.map(\.status) == [.machineStopped, .machineStopped])
            #expect(agents.map(\.item) == ["web-1", nil])

            try estate.machine("web", "web-1", file: Self.ready)
            try LocalFileSystem().removeTree(estate.folder("web", "web-2"))
            agents = try estate.operations.machineAgents()
            #expect(agents[0].status == .ready)
            #expect(agents[0].system == .windows)
            #expect(agents[1].status == nil)
            #expect(agents[1].problem?.code == .notFound)
        }
    }

    @Test("The id of a job is told when it begins, before it is over")
    func jobBegins() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.machine("web", "web-1", file: Self.stopped)
            var operations = estate.operations
            let subscription = operations.subscription
            let told = Mutex<[Job.Status]>([])
            operations.jobBegins = { id in
                let status = try? subscription.job(id).status
                told.withLock { $0.append(status ?? .failed) }
            }
            _ = try operations.discover()
            #expect(told.withLock { $0 } == [.inProgress])
        }
    }

    @Test("One at a time runs the schedule of a home, and another takes over when it goes")
    func seat() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            var first = try estate.operations.takeSchedule()
            #expect(first != nil)
            #expect(try estate.operations.takeSchedule() == nil)
            first = nil
            #expect(try estate.operations.takeSchedule() != nil)
        }
    }

    @Test("The rules of a vault are those of its profile")
    func limits() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            #expect(try estate.operations.limits(ofVault: "tokyo").profile == "classic")
        }
    }
}
