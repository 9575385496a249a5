public import Logging
public import SystemPackage

/// Who asks for an operation, on which terms, and where its progress and its log go.
///
/// The surface (command line, scheduler, server) makes one for each request and passes it down.
/// Nothing below the surface reads the process's working directory, environment, standard streams,
/// user or wall clock by itself, so requests of different callers can run side by side in one
/// process.
public struct Context: Sendable {
    /// Who is recorded in the audit journal.
    public var caller: Caller
    /// What relative paths of the request start from; absolute.
    public var directory: FilePath
    /// The caller's environment variables; what hooks inherit is chosen from it.
    public var environment: [String: String]
    /// Where wall time comes from.
    public var clock: WallClock
    public var budget: Budget
    /// Carries operation, vault, item and job as metadata.
    public var logger: Logger
    public var progress: Progress
    public var cancellation: Cancellation
    /// How the request waits for others that hold what it needs; `cancellation` ends its waits.
    public var waits: WaitPolicy {
        get { waitPolicy.until(cancellation) }
        set { waitPolicy = newValue }
    }
    private var waitPolicy: WaitPolicy

    public init(
        caller: Caller, directory: FilePath, environment: [String: String] = [:],
        clock: WallClock = .system, budget: Budget = Budget(), logger: Logger,
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation(),
        waits: WaitPolicy = WaitPolicy()
    ) {
        self.caller = caller
        self.directory = directory
        self.environment = environment
        self.clock = clock
        self.budget = budget
        self.logger = logger
        self.progress = progress
        self.cancellation = cancellation
        waitPolicy = waits
    }

    /// An absolute path: relative ones start from `directory`.
    public func resolve(_ path: FilePath) -> FilePath {
        path.isAbsolute ? path : directory.pushing(path)
    }
}

/// Who asks, and by which way in.
public struct Caller: Equatable, Sendable {
    public enum Surface: String, Sendable {
        case commandLine = "command-line"
        case scheduler
        case server
    }

    /// The user's name, as the audit journal records it.
    public var name: String
    public var surface: Surface

    public init(name: String, surface: Surface) {
        self.name = name
        self.surface = surface
    }
}

/// What one operation may use of the machine.
public struct Budget: Equatable, Sendable {
    /// Most worker threads, at least 1; nil for as many as suit the machine.
    public let threadsMax: Int?
    /// Most bytes of memory for large buffers, at least 1; nil for as many as are fastest, which is
    /// below 300 MiB. An operation needs a few of each kind of buffer, however little this is.
    public let bufferBytesMax: Int?

    public init(threads: Int? = nil, bufferBytes: Int? = nil) {
        precondition(threads ?? 1 >= 1, "an operation needs a thread")
        precondition(bufferBytes ?? 1 >= 1, "an operation needs memory")
        threadsMax = threads
        bufferBytesMax = bufferBytes
    }

    /// Workers for work that computes.
    public var threads: Int { threadsMax ?? Threads.processorCount }

    /// Workers for work that waits for disks most of the time, where `preferred` are best.
    /// - Parameter byteCount: of the large buffer that each has; 0 for none.
    public func threads(waiting preferred: Int, eachHolding byteCount: Int = 0) -> Int {
        let count = min(preferred, threadsMax ?? preferred)
        return byteCount > 0 ? buffers(count, of: byteCount) : count
    }

    /// How many large buffers an operation may have.
    /// - Parameters:
    ///   - preferred: as many as are fastest.
    ///   - byteCount: of each.
    ///   - least: with fewer the operation would not work.
    ///   - share: what part of all memory these buffers may take: one in so many.
    public func buffers(
        _ preferred: Int, of byteCount: Int, atLeast least: Int = 1, share: Int = 1
    ) -> Int {
        guard let bufferBytesMax else { return preferred }
        return max(least, min(preferred, bufferBytesMax / share / byteCount))
    }
}
