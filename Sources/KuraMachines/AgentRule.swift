public import KuraIO

/// Whether a machine's agent can take part in a backup.
public enum AgentStatus: Equatable, Sendable {
    case ready
    /// The machine is off: it is backed up without its agent, crash-consistent.
    case machineStopped
    case absent
    case tooOld(version: String)
    case updating

    /// The rule of the tutorial: an agent in every machine, this version at least on Windows, and
    /// no backup while it is being updated.
    public static let windowsVersionMin = [2, 6, 1198, 718]

    public init(of machine: VirtualMachine) {
        let agent = machine.agent
        if machine.power == .stopped {
            self = .machineStopped
        } else if !agent.isInstalled {
            self = .absent
        } else if agent.isUpdating {
            self = .updating
        } else if machine.system == .windows, !Self.isNewEnough(agent.version) {
            self = .tooOld(version: agent.version)
        } else {
            self = .ready
        }
    }

    /// Compares number by number; a text that is no version is not new enough.
    static func isNewEnough(_ version: String) -> Bool {
        let parts = version.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { 48...57 ~= $0 } ? Int(part) : nil
        }
        guard numbers.count == parts.count, numbers.count == windowsVersionMin.count else {
            return false
        }
        return !numbers.lexicographicallyPrecedes(windowsVersionMin)
    }

    /// Why no application-consistent point can be made, for people; nil where one can.
    public func reason(for machine: VirtualMachine) -> String? {
        switch self {
        case .ready: nil
        case .machineStopped: "\(machine.name) is off"
        case .absent: "\(machine.name) has no agent"
        case .tooOld(let version):
            "the agent of \(machine.name) is too old (\(version.isEmpty ? "no version" : version); "
                + "2.6.1198.718 or later is needed)"
        case .updating: "the agent of \(machine.name) is being updated"
        }
    }

    /// Throws while the agent is being updated: then no backup may run.
    public func requireNotUpdating(_ machine: VirtualMachine) throws(KuraError) {
        guard self == .updating else { return }
        throw KuraError(
            .refused,
            "the agent of \(machine.name) is being updated, and no backup may run "
                + "until that is done", remedy: .waitThenRetry)
    }
}
