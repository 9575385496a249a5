package import KuraFormat
package import KuraIO
package import KuraReplicas

extension VaultLog where State == VaultState {
    /// Opens the log of a vault and reads it to its end.
    ///
    /// Reading begins at the checkpoint that a hint names, if record 1 and its root key vouch for
    /// its keys and a later record names it. Else it begins with record 1, whose digest is the
    /// vault's id. So a wrong hint or checkpoint costs time and nothing else.
    ///
    /// - Parameters:
    ///   - stores: the replicas of the region, the one that is read first in front.
    ///   - seen: the newest record that each replica was ever seen to have.
    /// - Throws: `absent` where no replica has record 1, the error of a replica where none answers,
    ///   `damaged` with `LogFault.forked`.
    package static func open(
        _ seal: LogSeal, view: VaultState.View, in stores: [any Store],
        seen: [UniqueID: LogPosition] = [:], objects: any LogObjects<VaultState>,
        surroundings: LogSurroundings, session: UniqueID,
        identify: @escaping LogReplica.Identify = LogReplica.recordedIdentity
    ) throws(KuraError) -> VaultLog {
        func opened(from tip: LogTip<VaultState>) -> VaultLog {
            VaultLog(
                seal, from: tip, in: stores, seen: seen, objects: objects,
                surroundings: surroundings, session: session, identify: identify)
        }
        let whole = opened(from: LogTip(state: VaultState(view: view), position: .start))
        if let start = whole.hintedStart(view: view) {
            let log = opened(from: start)
            if log.readsOn() { return log }
        }
        let reading = try whole.read()
        guard reading.tip.position.number > 0 else { throw whole.error(of: reading) }
        return whole
    }

    /// Reads on from a checkpoint, and tells whether a later record names it.
    private func readsOn() -> Bool {
        do throws(KuraError) {
            return try read().tip.state.isOriginNamed
        } catch {
            // Where it is not the checkpoint that is wrong, reading from record 1 says so.
            return false
        }
    }

    /// The state of a checkpoint whose keys are proved; nil where there is none.
    private func hintedStart(view: VaultState.View) -> LogTip<VaultState>? {
        let replicas = replicas
        let pages = ReplicaPages(replicas: replicas)
        for replica in replicas {
            guard let hint = replica.hint() else { continue }
            do throws(KuraError) {
                let state = try VaultState.hinted(
                    by: hint, of: seal.vault, pages: pages, view: view
                ) { checkpoint in
                    replicas.lazy.compactMap { $0.root(of: checkpoint) }.first
                }
                guard let state, let position = state.position, isProved(state, by: replicas)
                else { continue }
                return LogTip(state: state, position: position)
            } catch {
                continue
            }
        }
        return nil
    }

    /// Whether record 1 of some replica vouches for the keys of a checkpoint. Behind a rekey it
    /// does not: the records that brought the new root key have to be read.
    private func isProved(_ state: VaultState, by replicas: [LogReplica]) -> Bool {
        for replica in replicas {
            guard let first = replica.record(1).value?.record, first.vault == seal.vault,
                case .vault(let settings) = first.record.bodies.first,
                seal.isSigned(first, by: settings.rootKey)
            else { continue }
            return settings.rootKey == state.vaultSettings?.rootKey
                && state.keysWithoutProof(first: first).isEmpty
        }
        return false
    }

    /// Why not even record 1 could be read.
    private func error(of reading: LogReader<VaultState>.Reading) -> KuraError {
        for reach in reading.reaches {
            switch reach.end {
            case .damaged(let error): return error
            case .silent(let error): return KuraError(io: error)
            case .missing: continue
            }
        }
        return KuraError(
            .absent, "the log of vault \(seal.vault) has no records in any replica that can be used"
        )
    }
}
