internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Tells replicas what was decided.
struct Spreading: Sendable {
    let seal: LogSeal
    let surroundings: LogSurroundings
    let decided: DecidedRecord

    enum Told: Sendable {
        /// It has the record, and is whole to it.
        case marked
        /// It has the record.
        case told
        /// Another record stands there.
        case other(DecidedRecord)
        case failed(KuraError)
    }

    private var position: LogPosition { decided.record.position }

    /// Puts log/n in each replica, and then the mark n where the replica was whole to n - 1 and has
    /// what the record lists.
    ///
    /// If power fails: without log/n the votes are there, and the next writer decides the same
    /// again; with log/n and without the mark the replica catches up.
    /// - Parameters:
    ///   - known: ids of replicas in which log/n stands.
    ///   - whole: ids of replicas that get the mark.
    func tell(
        _ replicas: [LogReplica], known: Set<UniqueID>, whole: Set<UniqueID>
    ) -> [Told] {
        let bytes = decided.encoded()
        return surroundings.map(replicas.count) { index in
            let replica = replicas[index]
            if !known.contains(replica.id) {
                let told = put(bytes, in: replica)
                guard case .told = told else { return told }
            }
            return whole.contains(replica.id) ? mark(replica) : .told
        }
    }

    private func put(_ bytes: [UInt8], in replica: LogReplica) -> Told {
        switch replica.put(replica.names.log(position.number), bytes) {
        case .took: return .told
        // It was there, and it is packed now.
        case .removed: return .told
        case .silent(let error): return .failed(KuraError(io: error))
        case .stands(let found):
            do throws(FormatError) {
                let other = try DecidedRecord.decode(found)
                return other.record.digest == decided.record.digest ? .told : .other(other)
            } catch {
                return .failed(
                    KuraError(
                        format: error,
                        at: replica.store.address(of: replica.names.log(position.number))))
            }
        }
    }

    private func mark(_ replica: LogReplica) -> Told {
        do throws(KuraError) {
            try replica.putMark(position, seal, at: surroundings.now())
            return .marked
        } catch {
            return .failed(error)
        }
    }
}
