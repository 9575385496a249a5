package import KuraFormat
package import KuraIO

extension VaultLog where State == VaultState {
    /// Writes a checkpoint where one is due, names it in a record, and leaves a hint.
    ///
    /// If power fails before the record, there are objects that nothing names; after it, the hint
    /// is old, which costs time.
    /// - Parameter record: makes the record that names the checkpoint.
    /// - Returns: whether one was written.
    package func writeCheckpoint(
        _ record: (CheckpointBody) -> LogRecord
    ) throws(KuraError) -> Bool {
        let tip = tip
        guard tip.state.isCheckpointDue else { return false }
        let checkpoint = try tip.state.makeCheckpoint()
        let members = members(of: tip.state)
        let results = surroundings.map(members.count) { index -> KuraError? in
            do throws(KuraError) {
                try members[index].put(checkpoint)
                return nil
            } catch {
                return error
            }
        }
        let holders = zip(members, results).filter { $0.1 == nil }.map(\.0)
        guard !holders.isEmpty else {
            throw results.compactMap(\.self).first
                ?? KuraError(.replicaMissing, "no member of the log can be reached")
        }
        let commit = try commit { tip throws(KuraError) in
            // Another program may have been first.
            guard checkpoint.body.number > tip.state.checkpoint?.number ?? 0 else { return nil }
            return Proposal(record(checkpoint.body), required: 1)
        }
        guard commit != nil else { return false }
        for replica in holders { replica.putHint(checkpoint.body) }
        return true
    }
}
