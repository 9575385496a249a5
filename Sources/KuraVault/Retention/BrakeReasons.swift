package import KuraFormat
package import KuraIO
package import KuraPolicy
package import KuraStore

extension Subscription {
    /// Why the points that a prune would drop are not dropped without being asked; empty where
    /// nothing speaks against it.
    /// - Parameter decisions: for every point of the vault.
    package func brakeReasons(
        _ vault: Vault, _ decisions: [RetentionDecision<RecoveryPointID>],
        dropping: Set<RecoveryPointID>, lacking: Set<RecoveryPointID>,
        by settings: VaultSettings
    ) throws(KuraError) -> [BrakeReason] {
        // What a user deleted or asked for by its name is no surprise.
        let over = settings.deletedItems(now: context.clock.now())
        let expired = Set(
            decisions.filter { !$0.isKept && !dropping.contains($0.id) && !over.contains($0.item) }
                .map(\.id))
        guard !expired.isEmpty else { return [] }
        let points = try mapPoints(of: vault) { id, point in
            BrakePoint(
                id: id.hex, item: point.item, sequence: point.sequence,
                dataBytes: point.counts.dataBytes, newBytes: point.counts.newBytes,
                isExpired: expired.contains(id), isLacking: lacking.contains(id))
        }
        let journal = try audit(of: vault)
        let reasons = PruneBrake.reasons(
            points, clockDoubt: try clockDoubt(),
            shortened: Self.shortened(journal, now: settings),
            items: { policy in { item in settings.policy(for: item)?.name == policy } },
            journalProblems: try journalProblems(of: vault, journal))
        let accepted = try acceptedReasons(of: vault)
        return reasons.filter { !accepted.contains($0.key) }
    }

    /// Policies that keep less now than at some time since the vault was pruned last.
    private static func shortened(
        _ journal: [(id: JournalID, entry: JournalEntry)], now settings: VaultSettings
    ) -> [(policy: String, key: String)] {
        let last = journal.lastIndex { isDonePrune($0.entry) } ?? -1
        var found: [String: String] = [:]
        for (id, entry) in journal[(last + 1)...] {
            guard let name = entry.subject.removingPrefix(VaultSettings.policyPrefix),
                let old = VaultSettings.policyState(entry.before)?.policy,
                let now = settings.policies[name]?.policy, now.keepsLess(than: old)
            else { continue }
            found[name] = id.short
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func isDonePrune(_ entry: JournalEntry) -> Bool {
        entry.operation == Job.Operation.prune.rawValue
            && !JobNotes.failures.contains(where: entry.note.hasPrefix)
    }

    private func journalProblems(
        of vault: Vault, _ journal: [(id: JournalID, entry: JournalEntry)]
    ) throws(KuraError) -> [String] {
        var problems: [String]
        do throws(KuraError) {
            problems = try auditProblems(of: vault, journal).map(\.message)
        } catch {
            // Without a catalog, as on a full disk, the chain speaks for itself.
            problems = Self.chainProblems(journal, epoch: vault.record.epoch).map(\.message)
        }
        if journal.first?.entry.operation != Self.creation {
            problems.append("it does not begin with the creation of the vault")
        }
        return problems
    }

    /// What the first entry of a vault's journal says.
    static let creation = "CreateVault"

    // MARK: What was confirmed

    /// Lets exactly these reasons pass from now on.
    package func accept(_ reasons: [BrakeReason], of vault: Vault) throws(KuraError) {
        let keys = try acceptedReasons(of: vault).union(reasons.map(\.key))
        try catalog().setValue(
            keys.sorted().joined(separator: "\n"), for: Self.acceptedKey(vault))
        if reasons.contains(where: { $0.key == "clock" }) { try trustClock() }
    }

    private func acceptedReasons(of vault: Vault) throws(KuraError) -> Set<String> {
        let known: String?
        do throws(KuraError) {
            known = try catalog().value(Self.acceptedKey(vault))
        } catch {
            // Without a catalog nothing is known to be confirmed.
            return []
        }
        return Set((known ?? "").split(separator: "\n").map(String.init))
    }

    private static func acceptedKey(_ vault: Vault) -> String { "brake/\(vault.id.hex)" }
}
