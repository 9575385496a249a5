internal import KuraFormat
public import KuraIO
internal import KuraMachines
internal import KuraPolicy
internal import KuraStore

extension Subscription {
    /// Gives registered machines a policy, one ConfigureProtection job each.
    ///
    /// Machines that are protected already are refused: `assignPolicy` changes theirs.
    public func protect(
        _ names: [String], cloudService: String? = nil, policy: String, vault: String? = nil,
        disks: ItemState.DiskChoice? = nil
    ) -> [MachineOutcome] {
        names.map { name in
            outcome(name) { outcome throws(KuraError) in
                try registerIfImplied(name, cloudService, vault)
                let found = try registered(name, cloudService: cloudService, vault: vault)
                try configure(found, policy, &outcome) {
                    state throws(KuraError) in
                    guard state.status == .registered else {
                        throw KuraError(
                            .refused, "\(found.item) cannot be protected: its status is "
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
        _ name: String, _ cloudService: String?, _ vault: String?
    ) throws(KuraError) {
        do throws(KuraError) {
            _ = try registered(name, cloudService: cloudService, vault: vault)
        } catch {
            guard error.code == .notFound else { throw error }
            let machine: VirtualMachine
            do throws(KuraError) {
                machine = try self.machine(
                    name, cloudService: cloudService, region: region(ofVault: vault))
            } catch {
                throw KuraError(
                    .notFound, "no virtual machine \(name) is registered",
                    remedy: .machine(.register(name)))
            }
            let place = try self.vault(for: machine, named: vault)
            let limits = try settings(of: place.reading()).limits
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
                let found = try registered(name, cloudService: cloudService, vault: vault)
                try configure(found, policy, &outcome) {
                    state throws(KuraError) in
                    guard state.status == .protected else {
                        throw KuraError(
                            .refused, "\(found.item) is not protected: its status is "
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
            let found = try registered(name, cloudService: cloudService, vault: vault)
            try configure(found, policy, &outcome) {
                state throws(KuraError) in
                guard state.status == .stoppedRetaining || state.status == .stoppedPerPolicy else {
                    throw KuraError(
                        .refused, "the protection of \(found.item) is not stopped: its status is "
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
        let found = try registered(name, cloudService: cloudService, vault: vault)
        let vault = try found.place.reading()
        var settings = try settings(of: vault)
        let chosen = try Self.policy(named: policy, settings, vault).policy.name
        settings.items[found.item]?.policy = chosen
        settings.items[found.item]?.status = .protected
        return try preview(vault, settings) { $0 == found.item }
    }

    private func configure(
        _ found: RegisteredItem, _ policy: String, _ outcome: inout MachineOutcome,
        _ check: (inout ItemState) throws(KuraError) -> Void
    ) throws(KuraError) {
        outcome.item = found.item
        let vault = try found.place.writing()
        let done = try runJob(
            .configureProtection, vault: found.place.name, item: found.item,
            started: { outcome.job = $0 }
        ) { run throws(KuraError) in
            try change(vault, "ConfigureProtection", note: "job \(run.id)") {
                settings throws(KuraError) in
                let chosen = try Self.policy(named: policy, settings, vault).policy.name
                guard var state = settings.items[found.item] else {
                    throw KuraError(.notFound, "\(found.item) is not registered any more")
                }
                try check(&state)
                let users = settings.items(with: chosen).filter { $0 != found.item }
                guard users.count < settings.limits.machinesPerPolicy else {
                    throw KuraError(
                        .refused, "policy \(chosen) protects \(users.count) virtual machines, the "
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

    // MARK: The end of protection

    /// What becomes of the points of a machine whose protection stops.
    public enum StopKind: Sendable {
        case retain
        case perPolicy
        /// They can be brought back while soft delete keeps them.
        case deleteData
        /// They are gone with the next prune; refused where soft delete is always on.
        case deleteDataAtOnce
    }

    /// Longest comment, in bytes of UTF-8.
    static let commentBytesMax = 1000

    /// Stops protection. Deleted data can be brought back while soft delete keeps it.
    public func stopProtection(
        _ name: String, cloudService: String? = nil, _ kind: StopKind, comment: String? = nil,
        vault: String? = nil
    ) -> MachineOutcome {
        outcome(name) { outcome throws(KuraError) in
            let found = try registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            guard comment?.utf8.count ?? 0 <= Self.commentBytesMax else {
                throw KuraError(
                    .invalidInput, "the comment has more than \(Self.commentBytesMax) bytes",
                    remedy: .advice("make it shorter"))
            }
            let vault = try found.place.writing()
            let deletes = kind == .deleteData || kind == .deleteDataAtOnce
            let operation: Job.Operation = deletes ? .deleteBackupData : .stopProtection
            let done = try runJob(
                operation, vault: found.place.name, item: found.item,
                started: { outcome.job = $0 }
            ) { run throws(KuraError) in
                let points = try catalog().pointCounts(of: vault)[found.item]?.points ?? 0
                let note = "job \(run.id)" + (comment.map { "; \($0)" } ?? "")
                try change(vault, operation.rawValue, note: note) {
                    settings throws(KuraError) in
                    guard var state = settings.items[found.item] else { return }
                    if state.status == .softDeleted, kind != .deleteDataAtOnce {
                        throw KuraError(
                            .refused, "the backup data of \(found.item) is deleted already",
                            remedy: .machine(.undelete(found.item)))
                    }
                    if kind == .deleteDataAtOnce, settings.limits.softDeleteIsAlwaysOn {
                        throw KuraError(
                            .refused, "soft delete is always on in the profile "
                                + settings.limits.profile,
                            remedy: .machine(
                                .deleteDataLater(days: settings.limits.softDeleteDays)))
                    }
                    state.comment = comment
                    Self.stop(
                        &state, kind, settings.limits, context.clock.now(), hasData: points > 0)
                    settings.items[found.item] = state
                }
            }
            outcome.warnings = done.warnings
        }
    }

    private static func stop(
        _ state: inout ItemState, _ kind: StopKind, _ limits: PolicyLimits, _ now: Int64,
        hasData: Bool
    ) {
        switch kind {
        case .deleteData where !hasData, .deleteDataAtOnce where !hasData:
            // There is nothing that could be brought back.
            state.status = .registered
            state.policy = nil
            state.deletedUntil = nil
        case .retain: state.status = .stoppedRetaining
        case .perPolicy:
            // Without a policy there is nothing to go by, so everything stays.
            state.status = state.policy == nil ? .stoppedRetaining : .stoppedPerPolicy
        case .deleteData:
            state.status = .softDeleted
            state.deletedUntil = now + Int64(limits.softDeleteDays) * 86_400_000_000_000
        case .deleteDataAtOnce:
            state.status = .softDeleted
            state.deletedUntil = now
        }
    }

    /// Brings deleted backup data back: the item is then stopped, with every point retained.
    public func undelete(
        _ name: String, cloudService: String? = nil, vault: String? = nil
    ) -> MachineOutcome {
        outcome(name) { outcome throws(KuraError) in
            let found = try registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            let vault = try found.place.writing()
            let done = try runJob(
                .undelete, vault: found.place.name, item: found.item,
                started: { outcome.job = $0 }
            ) { run throws(KuraError) in
                try change(vault, "Undelete", note: "job \(run.id)") {
                    settings throws(KuraError) in
                    guard settings.items[found.item]?.status == .softDeleted else {
                        throw KuraError(
                            .refused, "the backup data of \(found.item) is not deleted",
                            remedy: .machine(.listRegistered))
                    }
                    settings.items[found.item]?.status = .stoppedRetaining
                    settings.items[found.item]?.deletedUntil = nil
                }
            }
            outcome.warnings = done.warnings
        }
    }
}
