package import KuraIO
package import KuraOperations
internal import KuraVault

/// Tells browsers how jobs go on, whatever process runs them.
///
/// One thread asks the catalog twice a second while there are listeners.
package final class JobFeed: @unchecked Sendable {
    package static let listenersMax = 200
    private static let pauseNanoseconds: Int64 = 500_000_000
    private static let jobsWatched = 50
    /// So many pauses without news are told of, so that a broken connection is noticed.
    private static let quietMax = 30

    // `monitor` guards what follows.
    private let monitor = Monitor()
    private var listeners: [Int: @Sendable (String) -> Void] = [:]
    private var count = 0
    private var isStopped = false

    private let open: @Sendable () -> Result<Operations, KuraError>

    /// - Parameter open: the home, anew for each look.
    package init(_ open: @escaping @Sendable () -> Result<Operations, KuraError>) {
        self.open = open
        Threads.detach { [self] in work() }
    }

    /// - Parameter tell: gets events as text/event-stream has them, on whatever thread.
    /// - Returns: by which it is ended; nil where too many listen.
    package func listen(_ tell: @escaping @Sendable (String) -> Void) -> Int? {
        monitor.withLock {
            guard listeners.count < Self.listenersMax, !isStopped else { return nil }
            count += 1
            listeners[count] = tell
            monitor.wakeAll()
            return count
        }
    }

    package func end(_ listener: Int) { monitor.withLock { listeners[listener] = nil } }

    package var listenerCount: Int { monitor.withLock { listeners.count } }

    package func stop() {
        monitor.withLock {
            isStopped = true
            monitor.wakeAll()
        }
    }

    private func work() {
        var known: [String: String] = [:]
        var quiet = 0
        while waitForListeners() {
            var news: [String] = []
            do throws(KuraError) {
                (news, known) = try changes(since: known)
            } catch {
                // Pages say what is wrong with the home; the next look may find it well.
                news = []
            }
            quiet = news.isEmpty ? quiet + 1 : 0
            if quiet >= Self.quietMax {
                news = [": nothing new\n\n"]
                quiet = 0
            }
            let tells = monitor.withLock { Array(listeners.values) }
            for text in news { for tell in tells { tell(text) } }
            pause()
        }
    }

    /// - Returns: events, and what is known now, by the id of the job.
    private func changes(
        since known: [String: String]
    ) throws(KuraError) -> (news: [String], known: [String: String]) {
        var (news, now): ([String], [String: String]) = ([], [:])
        for job in try open().get().subscription.jobs(JobFilter(limit: Self.jobsWatched)) {
            let hundredths = Int((min(1, max(0, job.progress)) * 100).rounded(.down))
            // Its parts are digits and words of this program: nothing in it needs escaping.
            let text =
                "{\"id\":\"\(job.id)\",\"status\":\"\(job.status.rawValue)\","
                + "\"progress\":\(Double(hundredths) / 100),\"over\":\(job.status.isOver)}"
            now[job.id] = text
            // What was over before the first look is no news.
            if known[job.id] != text, !(known[job.id] == nil && job.status.isOver) {
                news.append("event: job\ndata: \(text)\n\n")
            }
        }
        return (news, now)
    }

    private func waitForListeners() -> Bool {
        monitor.withLock {
            while listeners.isEmpty, !isStopped { monitor.wait() }
            return !isStopped
        }
    }

    private func pause() {
        let end = Clock.steady() + Self.pauseNanoseconds
        monitor.withLock {
            while Clock.steady() < end, !isStopped { monitor.wait(until: end) }
        }
    }
}
