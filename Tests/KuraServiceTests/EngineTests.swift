import KuraIO
import KuraOperations
import KuraPortal
import KuraService
import KuraVault
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Threads of the server")
struct EngineTests {
    @Test("Two threads that the engine holds leave requests answered")
    func heldThreads() {
        let pool = EnginePool()
        let (held, release, answered) = (Latch(2), Latch(1), Latch(20))
        for _ in 0..<2 {
            #expect(
                pool.run {
                    held.signal()
                    release.wait()
                })
        }
        held.wait()
        for _ in 0..<20 { #expect(pool.run { answered.signal() }) }
        answered.wait()
        release.signal()
        pool.stop()
        #expect(!pool.run {})
    }

    @Test("A request that finds the queue full is refused and never waits")
    func fullQueue() {
        let pool = EnginePool(threads: 1)
        let (held, release) = (Latch(1), Latch(1))
        _ = pool.run {
            held.signal()
            release.wait()
        }
        held.wait()
        for _ in 0..<EnginePool.queueMax { #expect(pool.run {}) }
        #expect(!pool.run {})
        release.signal()
        pool.stop()
    }

    @Test("Who is at work when the server stops is asked to end, and nothing new is started")
    func stopping() throws {
        try withTemporaryDirectory { directory in
            let portal = try Portal(directory)
            let launcher = JobLauncher()
            let operations = try portal.site.operations()
            let begun = Latch(1)
            let launch = Mutex<JobLauncher.Launch?>(nil)
            let started = Latch(1)
            Threads.detach {
                let result = launcher.start(operations) { operations in
                    begun.signal()
                    operations.context.cancellation.wait(until: .max)
                    return Problem("it was stopped")
                }
                launch.withLock { $0 = result }
                started.signal()
            }
            begun.wait()
            #expect(launcher.stop(until: .max))
            started.wait()
            #expect(launch.withLock { $0?.failure?.message } == "it was stopped")
            #expect(launcher.start(operations) { _ in nil }.failure?.code == "busy")
            _ = portal.kurad.stop(withinSeconds: 5)
        }
    }

    @Test("Who listens hears how a job began and ended, and nothing of what was over before")
    func feed() throws {
        try withTemporaryDirectory { directory in
            let portal = try Portal(directory)
            let operations = try portal.site.operations()
            _ = try operations.withJob(.verify) { _ in }
            let (began, ended, release) = (Latch(1), Latch(1), Latch(1))
            let heard = Mutex<[String]>([])
            let listener = portal.kurad.feed.listen { text in
                heard.withLock { $0.append(text) }
                if text.contains("\"over\":false") { began.signal() }
                if text.contains("\"over\":true") { ended.signal() }
            }
            let launch = portal.site.launcher.start(operations) { operations in
                do throws(KuraError) {
                    _ = try operations.withJob(.verify) { _ in release.wait() }
                    return nil
                } catch {
                    return Problem(error)
                }
            }
            let id = try #require(launch.job)
            began.wait()
            release.signal()
            ended.wait()
            #expect(heard.withLock { $0.allSatisfy { $0.contains(id) } })
            if let listener { portal.kurad.feed.end(listener) }
            #expect(portal.kurad.feed.listenerCount == 0)
            _ = portal.kurad.stop(withinSeconds: 20)
        }
    }

    @Test("A home has one server")
    func oneServer() throws {
        try withTemporaryDirectory { directory in
            let portal = try Portal(directory)
            let home = directory.appending("home")
            #expect(throws: KuraError.self) {
                try Kurad(
                    Kurad.Options(
                        home: home, version: "test", environment: [:],
                        logger: Portal.context.logger))
            }
            _ = portal.kurad.stop(withinSeconds: 20)
        }
    }
}
