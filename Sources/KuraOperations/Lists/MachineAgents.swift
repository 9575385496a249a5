public import KuraIO
public import KuraMachines
public import KuraPolicy
internal import KuraVault

/// The agent of a machine, as it is at this moment.
public struct MachineAgent: Sendable {
    public var name: String
    public var cloudService: String
    public var region: String
    public var system: VirtualMachine.System
    public var agent: VirtualMachine.Agent
    /// Whether it can take part in a backup; nil where the machine cannot be looked at now.
    public var status: AgentStatus?
    /// Why it cannot be looked at; nil where it can.
    public var problem: KuraError?
    /// The item; nil where it is not registered.
    public var item: String?
    /// Whether the backup extension is in the machine.
    public var hasExtension: Bool
}

extension Operations {
    /// The agents of the machines that were discovered. Looks at the folder of each again, so that
    /// an agent which was installed in the meantime shows.
    /// - Parameter name: of a vault: only machines of its region; nil for all.
    public func machineAgents(ofVault name: String? = nil) throws(KuraError) -> [MachineAgent] {
        let region = try subscription.region(ofVault: name)
        let registered = try subscription.registeredItems()
        var agents: [MachineAgent] = []
        for known in try subscription.catalog().machines() {
            guard region == nil || known.region == region else { continue }
            let item = registered.first { $0.state.key == known.key }
            var found = MachineAgent(
                name: known.name, cloudService: known.cloudService, region: known.region,
                system: known.system, agent: known.agent, item: item?.item,
                hasExtension: item?.state.hasExtension ?? false)
            do throws(KuraError) {
                let machine = try subscription.current(known)
                found.system = machine.system
                found.agent = machine.agent
                found.status = AgentStatus(of: machine)
            } catch {
                found.problem = error
            }
            agents.append(found)
        }
        return agents.sorted {
            ($0.region, $0.cloudService, $0.name) < ($1.region, $1.cloudService, $1.name)
        }
    }

    /// The rules for the policies and machines of a vault.
    public func limits(ofVault name: String) throws(KuraError) -> PolicyLimits {
        try subscription.settings(of: subscription.place(named: name).reading()).limits
    }
}
