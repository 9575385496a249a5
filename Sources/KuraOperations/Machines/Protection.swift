public import KuraIO
internal import KuraMachines
internal import KuraPolicy
public import KuraVault

extension Operations {
    /// Gives registered machines a policy, one ConfigureProtection job each.
    ///
    /// Machines that are protected already are refused: `assignPolicy` changes theirs.
    public func protect(
        _ names: [String], cloudService: String? = nil, policy: String, vault: String? = nil,
        disks: ItemState.DiskChoice? = nil
    ) -> [MachineOutcome] {
        names.map { name in
            outcome(name) { outcome throws(KuraError) in
                try registerIfImplied(name, cloudService: cloudService, vault: vault)
                let found = try subscription.registered(
                    name, cloudService: cloudService, vault: vault)
                try configure(found, policy: policy, into: &outcome) {
                    state throws(KuraError) in
                    guard state.status == .registered else {
                        throw KuraError(
                            .refused,
                            "\(found.item) cannot be protected: its status is "
                                + "\"\(state.status.title)\"",
                            remedy: state.status == .protected
                                ? .policy(.assign(policy, items: [found.item]))
                                : .machine(.resume(found.item, policy: policy)))
                    }
                    state.disks = disks ?? state.disks
                }
            }
        }
    }

    /// Where protecting a machine registers it, too.
    private func registerIfImplied(
        _ name: String, cloudService: String?, vault: String?
    ) throws(KuraError) {
        do throws(KuraError) {
            _ = try subscription.registered(name, cloudService: cloudService, vault: vault)
        } catch {
            guard error.code == .notFound else { throw error }
            let machine: VirtualMachine
            do throws(KuraError) {
                machine = try subscription.machine(
                    name, cloudService: cloudService, region: subscription.region(ofVault: vault))
            } catch {
                throw KuraError(
                    .notFound, "no virtual machine \(name) is registered",
                    remedy: .machine(.register(name)))
            }
            let place = try subscription.vault(for: machine, named: vault)
            let limits = try subscription.settings(of: place.reading()).limits
            guard limits.protectRegisters else {
                throw KuraError(
                    .refused, "\(name) is not registered with a vault",
                    remedy: .machine(.register(name)))
            }
            let registered = register([name], cloudService: cloudService, vault: vault)
            if let error = registered.compactMap(\.error).first { throw error }
        }
    }

    /// Gives protected machines another policy. Their points are judged by it from now on.
    public func assignPolicy(
        _ policy: String, to names: [String], cloudService: String? = nil, vault: String? = nil
    ) -> [MachineOutcome] {
        names.map { name in
            outcome(name) { outcome throws(KuraError) in
                let found = try subscription.registered(
                    name, cloudService: cloudService, vault: vault)
                try configure(found, policy: policy, into: &outcome) {
                    state throws(KuraError) in
                    guard state.status == .protected else {
                        throw KuraError(
                            .refused,
                            "\(found.item) is not protected: its status is "
                                + "\"\(state.status.title)\"",
                            remedy: .machine(.protect(found.item, policy: policy)))
                    }
                }
            }
        }
    }

    /// Protects a machine again whose protection was stopped. Its points are judged by the policy
    /// from then on, and the next prune may drop many of them: see `previewResume`.
    public func resume(
        _ name: String, cloudService: String? = nil, policy: String, vault: String? = nil
    ) -> MachineOutcome {
        outcome(name) { outcome throws(KuraError) in
            let found = try subscription.registered(name, cloudService: cloudService, vault: vault)
            try configure(found, policy: policy, into: &outcome) {
                state throws(KuraError) in
                guard state.status == .stoppedRetaining || state.status == .stoppedPerPolicy else {
                    throw KuraError(
                        .refused,
                        "the protection of \(found.item) is not stopped: its status is "
                            + "\"\(state.status.title)\"",
                        remedy: state.status == .softDeleted
                            ? .machine(.undelete(found.item)) : nil)
                }
            }
        }
    }

    /// What `resume` would let go at the next prune. Changes nothing.
    public func previewResume(
        _ name: String, cloudService: String? = nil, policy: String, vault: String? = nil
    ) throws(KuraError) -> RetentionPreview {
        let found = try subscription.registered(name, cloudService: cloudService, vault: vault)
        let vault = try found.place.reading()
        var settings = try subscription.settings(of: vault)
        let chosen = try Subscription.policy(named: policy, settings, vault).policy.name
        settings.items[found.item]?.policy = chosen
        settings.items[found.item]?.status = .protected
        return try subscription.preview(vault, settings) { $0 == found.item }
    }

    private func configure(
        _ found: RegisteredItem, policy: String, into outcome: inout MachineOutcome,
        _ check: (inout ItemState) throws(KuraError) -> Void
    ) throws(KuraError) {
        outcome.item = found.item
        let vault = try found.place.writing()
        let done = try withJob(
            .configureProtection, vault: found.place.name, item: found.item
        ) { job throws(KuraError) in
            outcome.job = job.id
            try subscription.change(vault, by: "ConfigureProtection", note: "job \(job.id)") {
                settings throws(KuraError) in
                let chosen = try Subscription.policy(named: policy, settings, vault).policy.name
                guard var state = settings.items[found.item] else {
                    throw KuraError(.notFound, "\(found.item) is not registered any more")
                }
                try check(&state)
                let users = settings.items(with: chosen).filter { $0 != found.item }
                guard users.count < settings.limits.machinesPerPolicy else {
                    throw KuraError(
                        .refused,
                        "policy \(chosen) protects \(users.count) virtual machines, the "
                            + "most that a policy may", remedy: .advice("use another policy"))
                }
                state.status = .protected
                state.policy = chosen
                state.assigned = context.clock.now()
                settings.items[found.item] = state
            }
        }
        outcome.warnings = done.warnings
    }
}
