public import KuraIO

/// One long operation, as the catalog remembers it.
/// How notes of the audit journal begin that tell of a job which was not done.
package enum JobNotes {
    package static let cancelled = "was cancelled"
    package static let failed = "failed: "
    static let failures = [cancelled, failed]
}

public struct Job: Sendable {
    /// Azure Backup's job operations; the raw values are the values in JSON.
    public enum Operation: String, Sendable, CaseIterable {
        case discover = "Discover"
        case register = "Register"
        case unregister = "Unregister"
        case configureProtection = "ConfigureProtection"
        case backup = "Backup"
        case restore = "Restore"
        case verify = "Verify"
        case repair = "Repair"
        case replicate = "Replicate"
        case stopProtection = "StopProtection"
        case deleteBackupData = "DeleteBackupData"
        case undelete = "Undelete"
        case prune = "Prune"
        case drill = "Drill"
        case failover = "Failover"
        case failback = "Failback"
        case changeRedundancy = "ChangeRedundancy"
    }

    public enum Status: String, Sendable, CaseIterable {
        case inProgress = "InProgress"
        case completed = "Completed"
        case completedWithWarnings = "CompletedWithWarnings"
        case failed = "Failed"
        case cancelling = "Cancelling"
        case cancelled = "Cancelled"

        public var isOver: Bool { self != .inProgress && self != .cancelling }
    }

    public struct Task: Sendable {
        public enum Status: String, Sendable {
            case notStarted = "NotStarted"
            case inProgress = "InProgress"
            case completed = "Completed"
            case failed = "Failed"
            case skipped = "Skipped"
        }

        public var name: String
        public var status: Status

        package init(_ name: String, _ status: Status) {
            self.name = name
            self.status = status
        }
    }

    public struct Failure: Sendable {
        public var code: String
        public var message: String
        public var remedy: Remedy?

        package init(code: String, message: String, remedy: Remedy? = nil) {
            self.code = code
            self.message = message
            self.remedy = remedy
        }

        package init(_ error: KuraError) {
            self.init(code: error.code.rawValue, message: error.message, remedy: error.remedy)
        }
    }

    /// 32 hexadecimal digits.
    public var id: String
    public var operation: Operation
    public var status = Status.inProgress
    /// Empty when the job is about no vault.
    public var vault: String
    /// Empty when the job is about no item.
    public var item: String
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var started: Int64
    /// Likewise; nil while it runs.
    public var ended: Int64?
    /// 0...1.
    public var progress = 0.0
    public var process: UInt32
    public var host: String
    public var tasks: [Task]
    public var error: Failure?
    public var warnings: [Warning] = []
    /// What hooks printed, where they failed.
    public var output = ""
    /// Id of the recovery point that it made or used.
    public var recoveryPoint: String?

    /// A job that begins.
    package init(
        id: String, operation: Operation, vault: String, item: String, started: Int64,
        process: UInt32, host: String, tasks: [Task]
    ) {
        self.id = id
        self.operation = operation
        self.vault = vault
        self.item = item
        self.started = started
        self.process = process
        self.host = host
        self.tasks = tasks
    }

    /// Seconds from start to end; nil while it runs, 0 where the clock was set back.
    public var seconds: Double? {
        ended.map { Double(Clock.elapsed(from: started, to: $0)) / 1e9 }
    }
}
