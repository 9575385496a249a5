public import KuraIO
internal import Logging
public import SystemPackage

extension Context {
    /// A caller of a test.
    /// - Parameters:
    ///   - directory: what relative paths start from.
    ///   - waits: how it waits for others; its cancellation is the context's.
    ///   - time: where the clock stands, in nanoseconds since 1970; nil for the system's.
    public static func test(
        _ name: String = "tester@host", directory: FilePath = "/", at time: Int64? = nil,
        waits: WaitPolicy = WaitPolicy()
    ) -> Context {
        Context(
            caller: Caller(name: name, surface: .commandLine), directory: directory,
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"],
            clock: time.map(WallClock.fixed) ?? .system,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            cancellation: waits.cancellation, waits: waits)
    }
}
