internal import KuraIO
internal import KuraPolicy
internal import KuraVault

extension Operations {
    /// Takes a machine out of its vault. Refused while it is protected or has recovery points.
    public func unregister(
        _ name: String, cloudService: String? = nil, vault: String? = nil
    ) -> MachineOutcome {
        outcome(name) { outcome throws(KuraError) in
            let found = try subscription.registered(name, cloudService: cloudService, vault: vault)
            outcome.item = found.item
            let vault = try found.place.writing()
            let done = try withJob(
                .unregister, vault: found.place.name, item: found.item
            ) { job throws(KuraError) in
                outcome.job = job.id
                let counts = try subscription.catalog().pointCounts(of: vault)
                let points = counts[found.item]?.points ?? 0
                try subscription.change(vault, by: "Unregister", note: "job \(job.id)") {
                    settings throws(KuraError) in
                    guard let state = settings.items[found.item] else { return }
                    guard state.status == .registered, points == 0 else {
                        let held = "\(points) recovery point\(points == 1 ? "" : "s")"
                        throw KuraError(
                            .refused,
                            "\(found.item) is \(state.status.title.lowercased()) and has "
                                + held,
                            remedy: Self.removalRemedy(of: found.item, state, by: settings.limits))
                    }
                    settings.items[found.item] = nil
                }
            }
            outcome.warnings = done.warnings
        }
    }

    /// What makes a vault forget an item.
    static func removalRemedy(
        of item: String, _ state: ItemState, by limits: PolicyLimits
    ) -> Remedy {
        switch state.status {
        case .registered: .machine(.unregister(item))
        case .protected, .stoppedRetaining, .stoppedPerPolicy:
            .machine(.deleteData(item))
        case .softDeleted where limits.softDeleteIsAlwaysOn:
            .steps([
                .advice("wait until its \(limits.softDeleteDays) days are over"), .vault(.prune()),
            ])
        case .softDeleted:
            .steps([.machine(.deleteData(item, atOnce: true)), .vault(.prune())])
        }
    }
}
