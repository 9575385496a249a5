internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Vault {
    /// Whether damage of a run was recorded of which no copy is good now.
    var hasUnreadableRun: Bool {
        let bad = damage.compactMap { damage -> RunID? in
            if case .run(let id) = damage.file { id } else { nil }
        }
        return Set(bad).contains { id in
            do throws(KuraError) {
                _ = try IndexRunReader(id, self)
                return false
            } catch {
                // A run that a merge removed is not unreadable. A failed read is an error where the
                // index is opened.
                return error.code == .damaged
            }
        }
    }

    /// Throws `damaged` where a run has no good copy: then it is unknown which packs are needed.
    /// - Parameter index: opened just before, so that its damage is recorded.
    func requireReadable(_ index: ChunkIndex) throws(KuraError) {
        guard hasUnreadableRun else { return }
        throw KuraError(
            .damaged,
            "an index run of vault \(record.name) has no good copy, so it is unknown what "
                + "the recovery points need; nothing was removed",
            remedy: .vault(.repair(.files)))
    }
}
