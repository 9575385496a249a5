package import KuraIO
package import KuraStore
package import KuraVault
internal import Synchronization

/// A job at work, with what every operation promises besides its own work: an entry in the audit
/// journal of each vault that it is about, and healing of the damage that it met.
package final class OperationJob: Sendable {
    package let run: JobRun
    private let operations: Operations
    private let operation: Job.Operation
    private let item: String
    private let state: Mutex<State>

    private struct State {
        /// The vaults whose journals get an entry.
        var places: [VaultPlace]
        var details: [String] = []
        var isAudited = false
    }

    init(
        _ run: JobRun, of operations: Operations, _ operation: Job.Operation, item: String,
        auditing places: [VaultPlace]
    ) {
        self.run = run
        self.operations = operations
        self.operation = operation
        self.item = item
        state = Mutex(State(places: places))
    }

    package var id: String { run.id }
    package var progress: Progress { run.progress }
    package var cancellation: Cancellation { run.cancellation }

    /// Adds something that the user should know although the work is done: the job then ends with
    /// warnings.
    package func warn(_ message: String) { run.warn(message) }

    package func warn(_ warning: Warning) { run.warn(warning) }

    // MARK: The audit journal

    /// Enters the job in the journals of other vaults than those it began with: where the work
    /// itself finds out which they are, or moves them.
    package func audit(in places: [VaultPlace]) { state.withLock { $0.places = places } }

    /// Adds to what the entry of the journal says of this job: "recovery point 3f2a".
    package func describe(_ detail: String) { state.withLock { $0.details.append(detail) } }

    /// Enters the job in the journals now, and not at its end: for jobs that copy the journal to
    /// another region afterwards. Called again, it does nothing.
    package func audit() {
        let found: State? = state.withLock { state in
            defer { state.isAudited = true }
            return state.isAudited ? nil : state
        }
        guard let found else { return }
        let note = ([item].filter { !$0.isEmpty } + found.details + ["job \(id)"])
            .joined(separator: ", ")
        for place in found.places { enter(note, in: place) }
    }

    /// Enters that the job failed, also where it was entered as begun before.
    func auditFailure(_ failure: KuraError) {
        let what =
            failure.code == .interrupted ? JobNotes.cancelled : JobNotes.failed + failure.message
        let note = (item.isEmpty ? what : "\(item) \(what)") + ", job \(id)"
        for place in state.withLock({ $0.places }) { enter(note, in: place) }
    }

    /// What goes wrong here is a warning: the work is done, or its own error matters more. A vault
    /// that cannot be written now gets no entry.
    private func enter(_ note: String, in place: VaultPlace) {
        guard place.isActiveReachable, !place.isContested else { return }
        do throws(KuraError) {
            try operations.subscription.record(
                operation.rawValue, note, in: place.writing())
        } catch {
            warn(
                "the audit journal of vault \(place.name) has no entry of this job: "
                    + error.message)
        }
    }

    // MARK: Healing

    /// Heals what reads of `vault` met and went around, before the job ends. A repair that fails is
    /// no error: what the job is for does not depend on it.
    /// - Returns: what was met, each healed or with the reason why not.
    package func healMetDamage(_ vault: Vault) -> [FoundDamage] { heal(vault.damage, of: vault) }

    /// Likewise for damage that was met through another value of the same vault in the same region.
    package func heal(_ met: [Damage], of vault: Vault) -> [FoundDamage] {
        var met = met
        guard !met.isEmpty else { return [] }
        do throws(KuraError) {
            met = try vault.heal(met)
        } catch {
            for index in met.indices where !met[index].isRepaired {
                met[index].obstacle = met[index].obstacle ?? error.message
            }
        }
        let found = met.map { FoundDamage($0) }
        for damage in found { warn(damage.text()) }
        return found
    }
}
