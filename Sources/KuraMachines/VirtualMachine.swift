public import KuraImages

/// A virtual machine as the inventory describes it.
public struct VirtualMachine: Codable, Equatable, Sendable {
    public enum Power: String, CaseIterable, Codable, Sendable { case running, stopped }
    public enum System: String, CaseIterable, Codable, Sendable { case linux, windows }
    public enum DeploymentModel: String, CaseIterable, Codable, Sendable {
        case classic
        case resourceManager = "resource-manager"
    }

    public struct Agent: Codable, Equatable, Sendable {
        public var isInstalled: Bool
        /// Four numbers with dots between them; empty where it is not known.
        public var version: String
        public var isUpdating: Bool

        public static let absent = Agent(isInstalled: false, version: "", isUpdating: false)

        enum CodingKeys: String, CodingKey {
            case isInstalled = "installed"
            case version
            case isUpdating = "updating"
        }
    }

    /// Commands that freeze and thaw the machine's programs.
    public struct Quiesce: Codable, Equatable, Sendable {
        /// A program and its arguments; a relative program is one of the machine's folder.
        public var freeze: [String]
        public var thaw: [String]
        /// How long it may be frozen, 1...`timeoutSecondsMax`.
        public var timeoutSeconds: Int

        public static let timeoutSecondsMax = 3600

        public init(freeze: [String], thaw: [String], timeoutSeconds: Int) {
            self.freeze = freeze
            self.thaw = thaw
            self.timeoutSeconds = timeoutSeconds
        }

        enum CodingKeys: String, CodingKey {
            case freeze, thaw
            case timeoutSeconds = "timeout_seconds"
        }
    }

    public struct Disk: Codable, Equatable, Sendable {
        public var name: String
        /// Absolute.
        public var path: String
        /// -1 for the system disk; 0 and up for data disks.
        public var lun: Int
        /// Nil where nothing says what the image is.
        public var format: DiskFormat?
        /// Absolute paths of the images that its image continues, the nearest first; nil for one
        /// that is whole.
        public var chain: [String]?

        public static let systemLUN = -1
        /// Most images that one continues.
        public static let chainMax = 32
    }

    public var region: String
    public var cloudService: String
    public var name: String
    /// Absolute path of its folder.
    public var folder: String
    public var power: Power
    public var system: System
    public var deploymentModel: DeploymentModel
    public var agent: Agent
    public var quiesce: Quiesce?
    public var disks: [Disk]

    public init(
        region: String, cloudService: String, name: String, folder: String, power: Power,
        system: System, deploymentModel: DeploymentModel, agent: Agent, quiesce: Quiesce?,
        disks: [Disk]
    ) {
        self.region = region
        self.cloudService = cloudService
        self.name = name
        self.folder = folder
        self.power = power
        self.system = system
        self.deploymentModel = deploymentModel
        self.agent = agent
        self.quiesce = quiesce
        self.disks = disks
    }

    enum CodingKeys: String, CodingKey {
        case region, name, folder, power, agent, quiesce, disks
        case cloudService = "cloud_service"
        case system = "os"
        case deploymentModel = "deployment_model"
    }

    /// 16 data disks and the system's.
    public static let disksMax = 17

    /// What identifies it in a subscription.
    public var key: MachineKey {
        MachineKey(region: region, cloudService: cloudService, name: name)
    }
}

public struct MachineKey: Hashable, Sendable, Comparable {
    public var region: String
    public var cloudService: String
    public var name: String

    public init(region: String, cloudService: String, name: String) {
        self.region = region
        self.cloudService = cloudService
        self.name = name
    }

    public static func < (left: MachineKey, right: MachineKey) -> Bool {
        (left.region, left.cloudService, left.name)
            < (right.region, right.cloudService, right.name)
    }
}
