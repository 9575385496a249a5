internal import KuraIO
internal import KuraPolicy
internal import KuraVault

extension Operations {
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
            let found = try subscription.registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            guard comment?.utf8.count ?? 0 <= Self.commentBytesMax else {
                throw KuraError(
                    .invalidInput, "the comment has more than \(Self.commentBytesMax) bytes",
                    remedy: .advice("make it shorter"))
            }
            let vault = try found.place.writing()
            let deletes = kind == .deleteData || kind == .deleteDataAtOnce
            let operation: Job.Operation = deletes ? .deleteBackupData : .stopProtection
            let done = try withJob(
                operation, vault: found.place.name, item: found.item
            ) { job throws(KuraError) in
                outcome.job = job.id
                let counts = try subscription.catalog().pointCounts(of: vault)
                let points = counts[found.item]?.points ?? 0
                let note = "job \(job.id)" + (comment.map { "; \($0)" } ?? "")
                try subscription.change(vault, by: operation.rawValue, note: note) {
                    settings throws(KuraError) in
                    guard var state = settings.items[found.item] else { return }
                    if state.status == .softDeleted, kind != .deleteDataAtOnce {
                        throw KuraError(
                            .refused, "the backup data of \(found.item) is deleted already",
                            remedy: .machine(.undelete(found.item)))
                    }
                    if kind == .deleteDataAtOnce, settings.limits.softDeleteIsAlwaysOn {
                        throw KuraError(
                            .refused,
                            "soft delete is always on in the profile "
                                + settings.limits.profile,
                            remedy: .machine(
                                .deleteDataLater(days: settings.limits.softDeleteDays)))
                    }
                    state.comment = comment
                    Self.stop(
                        &state, kind, by: settings.limits, at: context.clock.now(),
                        hasData: points > 0)
                    settings.items[found.item] = state
                }
            }
            outcome.warnings = done.warnings
        }
    }

    private static func stop(
        _ state: inout ItemState, _ kind: StopKind, by limits: PolicyLimits, at now: Int64,
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
            let found = try subscription.registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            let vault = try found.place.writing()
            let done = try withJob(
                .undelete, vault: found.place.name, item: found.item
            ) { job throws(KuraError) in
                outcome.job = job.id
                try subscription.change(vault, by: "Undelete", note: "job \(job.id)") {
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
