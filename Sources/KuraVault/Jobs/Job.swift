public import KuraIO

/// One long operation, as the catalog remembers it.
public struct Job: Sendable {
    /// The names of the contract, as they are in JSON.
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
    }

    public struct Failure: Sendable {
        public var code: String
        public var message: String
        public var remedy: Remedy?
    }

    /// 32 hexadecimal digits.
    public var id: String
    public var operation: Operation
    public var status: Status
    /// Empty when the job is about no vault.
    public var vault: String
    /// Empty when the job is about no item.
    public var item: String
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var started: Int64
    /// Likewise; nil while it runs.
    public var ended: Int64?
    /// 0...1.
    public var progress: Double
    public var process: UInt32
    public var host: String
    public var tasks: [Task]
    public var error: Failure?
    public var warnings: [Warning]
    /// What hooks printed, where they failed.
    public var output: String
    /// Id of the recovery point that it made or used.
    public var recoveryPoint: String?

    /// Seconds from start to end; nil while it runs, and 0 where the clock went back meanwhile.
    public var seconds: Double? {
        ended.map { Double(Clock.elapsed(from: started, to: $0)) / 1e9 }
    }
}
