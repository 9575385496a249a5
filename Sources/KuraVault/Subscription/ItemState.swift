package import KuraMachines
public import KuraPolicy

/// A registered virtual machine, as its vault's journal has it.
public struct ItemState: Codable, Equatable, Sendable {
    public enum Status: String, Codable, Sendable {
        case registered
        case protected
        /// Protection stopped, every point is kept.
        case stoppedRetaining = "stopped-retain"
        /// Protection stopped, points go as the policy says, but the newest.
        case stoppedPerPolicy = "stopped-per-policy"
        case softDeleted = "soft-deleted"
    }

    /// Which disks are backed up, by their logical unit numbers; the system disk always is.
    public struct DiskChoice: Codable, Equatable, Sendable {
        public var isExclusion: Bool
        public var luns: [Int]

        public init(isExclusion: Bool, luns: [Int]) {
            self.isExclusion = isExclusion
            self.luns = luns
        }

        enum CodingKeys: String, CodingKey {
            case isExclusion = "exclude"
            case luns
        }
    }

    /// The commands of its vm.json, as they were when it was registered.
    public struct Hooks: Codable, Equatable, Sendable {
        public var freeze: [String]
        public var thaw: [String]

        package init(_ quiesce: VirtualMachine.Quiesce) {
            freeze = quiesce.freeze
            thaw = quiesce.thaw
        }
    }

    public var machine: String
    public var cloudService: String
    public var region: String
    public var status: Status
    /// Exactly one while protected or stopped per policy.
    public var policy: String?
    /// Since when it is judged by this policy, in nanoseconds since 1970.
    public var assigned: Int64?
    /// Whether the backup extension is in the machine.
    public var hasExtension: Bool
    public var disks: DiskChoice?
    /// Only these commands are run. Nil where there were none, and in machines that were registered
    /// before commands were kept.
    public var hooks: Hooks?
    /// Logical unit numbers of its disks by name, so that they are known when the machine is gone.
    public var luns: [String: Int]?
    /// Until when deleted data can be brought back, in nanoseconds since 1970.
    public var deletedUntil: Int64?
    /// What the user said when protection was stopped.
    public var comment: String?

    enum CodingKeys: String, CodingKey {
        case machine, region, status, policy, assigned, disks, hooks, luns, comment
        case cloudService = "cloud_service"
        case hasExtension = "extension"
        case deletedUntil = "deleted_until"
    }

    package init(machine: String, cloudService: String, region: String) {
        self.machine = machine
        self.cloudService = cloudService
        self.region = region
        status = .registered
        hasExtension = false
    }

    /// Takes what only a registration takes.
    package mutating func register(_ machine: VirtualMachine) {
        hooks = machine.quiesce.map { Hooks($0) }
        keepLayout(of: machine)
    }

    package mutating func keepLayout(of machine: VirtualMachine) {
        luns = Dictionary(machine.disks.map { ($0.name, $0.lun) }) { first, _ in first }
    }
}

/// A policy, as its vault's journal has it.
public struct PolicyState: Equatable, Sendable {
    public var policy: Policy
    /// Per tier, the date on which its calendar rule came into force.
    public var since: [Tier: LocalDate]

    /// A policy that is new on `date`.
    init(_ policy: Policy, on date: LocalDate) {
        self.policy = policy
        since = policy.retention.mapValues { _ in date }
    }

    init(policy: Policy, since: [Tier: LocalDate]) {
        self.policy = policy
        self.since = since
    }

    /// The same policy with other rules: a tier whose dates stay keeps its date.
    func replaced(by new: Policy, on date: LocalDate) -> PolicyState {
        var state = PolicyState(new, on: date)
        for (tier, rule) in new.retention {
            if let old = policy.retention[tier], old.matchesLike(rule), let known = since[tier] {
                state.since[tier] = known
            }
        }
        return state
    }
}
