public import KuraIO
public import KuraVault

/// One step of the scheduler: what is asked for.
public struct Tick: Sendable {
    /// Jobs that run beside each other, 1...`Operations.jobsAtOnceMax`.
    public var jobsAtOnce = 2
    /// Whether a time that the caller named is meant although it is far from now.
    public var isForced = false
    /// Told of each event when it happens, on whatever thread.
    public var observe: @Sendable (TickEvent) -> Void = { _ in }

    public init() {}
}

/// What happens in one step of the scheduler.
public enum TickEvent: Sendable {
    case backupBegins(item: String)
    /// A backup is over, well or not.
    case backupEnds(MachineOutcome)
    case replicationBegins(vault: String)
    case replicationEnds(vault: String, warnings: [Warning])
    case pruneBegins(vault: String)
    case pruneEnds(PruneReport)
    case failed(TickFailure)
    /// What the user should know besides.
    case warned(Warning)
}

/// Work of the scheduler that failed, other than the backup of one machine.
public struct TickFailure: Sendable {
    /// "prune of vault gold".
    public var what: String
    public var error: KuraError
    /// When it is tried again, in nanoseconds since 1970; nil for the next step.
    public var again: Int64?

    public init(what: String, error: KuraError, again: Int64? = nil) {
        self.what = what
        self.error = error
        self.again = again
    }
}

/// What one step of the scheduler did.
public struct TickReport: Sendable {
    /// Nanoseconds since 1970.
    public var time: Int64
    /// By item.
    public var backups: [MachineOutcome] = []
    /// Machines that were due and that another process held.
    public var skipped: [MachineOutcome] = []
    /// Names of vaults that were brought to their paired region.
    public var replicated: [String] = []
    public var pruned: [PruneReport] = []
    public var failures: [TickFailure] = []
    /// What the user should know besides: those of backups and prunes are theirs.
    public var warnings: [Warning] = []
    /// What the home knows of and that cannot be read. What is due there is not known.
    public var absences: [Absence] = []
}

/// What one step of the scheduler would do.
public struct TickPlan: Sendable {
    /// A backup that is due.
    public struct Run: Sendable {
        public var item: String
        public var vault: String
        /// When it was due, in nanoseconds since 1970.
        public var time: Int64
    }

    /// Nanoseconds since 1970.
    public var time: Int64
    public var due: [Run] = []
    public var pruned: [PruneReport] = []
    public var failures: [TickFailure] = []
}
