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
                // Merged away meanwhile is not unreadable; what the system cannot read is an error
                // for whoever opens the index.
                return error.code == .damaged
            }
        }
    }

    /// Throws where a run has no good copy: then nobody can tell what is in which pack.
    func requireReadable(_ index: ChunkIndex) throws(KuraError) {
        guard hasUnreadableRun else { return }
        throw KuraError(
            .damaged, "an index run of vault \(record.name) has no good copy, so nobody can tell "
                + "what the recovery points need; nothing was removed",
            remedy: .vault(.repair(.files)))
    }
}
