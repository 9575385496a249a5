/// A virtual machine as lists show it.
package struct MachineView: Sendable {
    package var name = ""
    package var cloudService = ""
    package var region = ""
    /// What commands call it.
    package var item = ""
    package var vault: String?
    /// In the words of Azure Backup.
    package var status = ""
    package var policy: String?
    /// Nanoseconds since 1970, as all times here.
    package var lastBackup: Int64?
    package var nextRun: Int64?
    package var deletedUntil: Int64?
    package var points = 0
    package var disks = 0
    package var isGone = false
    package var isOverdue = false

    package init() {}

    /// CLOUD-SERVICE/NAME.
    package var reference: String { "\(cloudService)/\(name)" }
    var isRegistered: Bool { vault != nil }
    var isProtected: Bool { status.hasPrefix("Protected") }
    var isPending: Bool { status.hasSuffix("pending)") }
    var isProtectable: Bool { status == "Registered" }
    var isRegistrable: Bool { status == "Not registered" }
    var isStopped: Bool { status == "Protection stopped" }
    var isSoftDeleted: Bool { status == "Soft deleted" }
}

/// A machine with the agent that a backup needs.
package struct AgentView: Sendable {
    package enum State: Sendable {
        case ready
        case off
        case absent
        case old
        case updating
    }

    package var reference = ""
    /// "linux" or "windows".
    package var system = ""
    package var version = ""
    package var isInstalled = false
    package var state = State.absent
    package var hasExtension = false
    /// Why its folder cannot be read now; nil where it can.
    package var problem: String?

    package init() {}

    var word: Word {
        switch state {
        case .ready: .agentReady
        case .off: .agentOff
        case .absent: .agentAbsent
        case .old: .agentOld
        case .updating: .agentUpdating
        }
    }
}

/// A recovery point as its item's page shows it.
package struct PointView: Sendable {
    package var id = ""
    package var time: Int64 = 0
    /// "application-consistent" and so on.
    package var consistency = ""
    package var tags: [String] = []
    package var expires: Int64?
    package var logicalBytes: UInt64 = 0
    package var newBytes: UInt64 = 0
    package var copies = 0
    package var copiesWanted = 0
    package var disks: [String] = []

    package init() {}

    var short: String { String(id.prefix(12)) }

    var consistencyWord: Word {
        switch consistency {
        case "application-consistent": .application
        case "file-system-consistent": .fileSystem
        case "crash-consistent": .crash
        default: Word(consistency, consistency)
        }
    }
}
