package import KuraIO
internal import KuraOperations
internal import KuraPortal
package import Logging
package import SystemPackage

/// A server of one home, without its sockets.
package final class Kurad: Sendable {
    package let site: Site
    package let pool = EnginePool()
    package let feed: JobFeed
    /// Held for as long as it lives: one server a home.
    private let lock: OpenFile

    package struct Options: Sendable {
        package var home: FilePath
        package var version: String
        package var environment: [String: String]
        package var runsSchedule = true
        package var logger: Logger

        package init(
            home: FilePath, version: String, environment: [String: String], logger: Logger
        ) {
            self.home = home
            self.version = version
            self.environment = environment
            self.logger = logger
        }
    }

    package init(_ options: Options) throws(KuraError) {
        let open = { @Sendable () throws(KuraError) in
            try Site.open(
                options.home, as: Caller(name: "kurad@\(Process.hostName)", surface: .server),
                environment: options.environment, logger: options.logger, Cancellation())
        }
        // A home that is not there must not become one, and one that is damaged must say so now.
        _ = try open()
        do throws(IOError) {
            let lock = try LocalFileSystem().lock(options.home.appending("kurad.lock"))
            guard let lock else {
                throw IOError("serve", at: options.home, .resourceBusy)
            }
            self.lock = lock
        } catch {
            guard error.errno != .resourceBusy else {
                throw KuraError(
                    .locked, "another server serves \(options.home) already",
                    remedy: .waitThenRetry)
            }
            throw KuraError(io: error)
        }
        site = try Site(
            home: options.home, version: options.version, environment: options.environment,
            runsSchedule: options.runsSchedule, logger: options.logger)
        feed = JobFeed {
            do throws(KuraError) {
                return .success(try open())
            } catch {
                return .failure(error)
            }
        }
        site.schedule?.start()
    }

    deinit { LocalFileSystem().close(lock) }

    /// Ends everything that runs, each at its next safe point. Blocks.
    /// - Returns: whether all of it ended in time.
    package func stop(withinSeconds seconds: Int64) -> Bool {
        let deadline = Clock.steady() + seconds * 1_000_000_000
        feed.stop()
        let isOver = site.launcher.stop(until: deadline)
        let isScheduleOver = site.schedule?.stop(until: deadline) ?? true
        pool.stop()
        return isOver && isScheduleOver
    }

    /// Whether who asks may hear of jobs.
    package func mayListen(_ request: Request) -> Bool { site.isKnown(request) }
}
