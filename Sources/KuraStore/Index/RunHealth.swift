internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Vault {
    /// Whether some run was met of which no copy is good.
    var hasUnreadableRun: Bool {
        let bad = damage.compactMap { damage -> RunID? in
            if case .run(let id) = damage.file { id } else { nil }
        }
        return Set(bad).contains { id in
            do throws(KuraError) {
                _ = try IndexRunReader(id, self)
                return false
            } catch {
                // A run that was merged away is not unreadable. A failed read is an error where the
                // index is opened.
                return error.code == .damaged
            }
        }
    }

    /// Throws where a run has no good copy: then it is unknown what is in which pack.
    func requireReadable(_ index: ChunkIndex) throws(KuraError) {
        guard hasUnreadableRun else { return }
        throw KuraError(
            .damaged,
            "an index run of vault \(record.name) has no good copy, so nobody can tell "
                + "what the recovery points need; nothing was removed",
            remedy: .vault(.repair(.files)))
    }
}
