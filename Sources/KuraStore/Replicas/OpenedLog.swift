internal import KuraFormat
package import KuraIO
package import KuraLog
internal import KuraReplicas
internal import Synchronization

/// The log of one vault in one region, as far as this program has read it. Safe from any thread.
package final class OpenedLog: Sendable {
    /// When record 1 was made, in nanoseconds since 1970; for people.
    let created: Int64
    let access: LogAccess
    private let reader: VaultLog<VaultState>

    /// Reads the log to its end: see `VaultLog.open`.
    init(_ vault: UniqueID, in region: Region) throws(KuraError) {
        guard let access = region.access else {
            throw KuraError(
                .unsupported, "vault \(vault) has a log, which this program does not use",
                remedy: .useNewerKura)
        }
        self.access = access
        reader = try VaultLog.open(
            access.seal(of: vault), view: VaultState.View(region: region.id),
            in: region.available.map(\.store), objects: NoObjects(),
            surroundings: LogSurroundings(region.waits, region.clock), session: .random())
        let first = reader.replicas.lazy.compactMap { $0.single(1).value }.first
        created = first?.record.record.time ?? 0
    }

    /// The state after the newest record, which is read first.
    package func state() throws(KuraError) -> VaultState { try reader.read().tip.state }

    /// The same log, to be written with the drafts of a session.
    func log(
        writing session: UniqueID, in stores: [any Store],
        objects: any LogObjects<VaultState>, _ surroundings: LogSurroundings
    ) throws(KuraError) -> VaultLog<VaultState> {
        let tip = try reader.read().tip
        guard let vault = tip.state.vault else { preconditionFailure("an opened log has record 1") }
        return VaultLog(
            access.seal(of: vault), from: tip, in: stores, seen: reader.seen, objects: objects,
            surroundings: surroundings, session: session)
    }

    // MARK: Points

    /// The record that brought a point. Its own name says whether it is the right one.
    /// - Parameter entry: of a state of this log.
    func point(_ entry: PointEntry) throws(KuraError) -> PointBody {
        var failure: KuraError?
        for replica in reader.replicas {
            switch replica.single(entry.number) {
            case .there(let decided):
                let bodies = decided.record.record.bodies
                if Int(entry.body) < bodies.count, case .point(let body) = bodies[Int(entry.body)],
                    body.id == entry.id
                {
                    return body
                }
                failure =
                    failure
                    ?? KuraError(
                        .damaged,
                        "record \(entry.number) in \(replica.place) does not hold recovery point "
                            + "\(entry.id.short)")
            case .damaged(let error): failure = failure ?? error
            case .silent(let error): failure = failure ?? KuraError(io: error)
            case .missing: continue
            }
        }
        throw failure
            ?? KuraError(
                .notFound,
                "record \(entry.number), which holds recovery point \(entry.id.short), is in no "
                    + "replica that can be used")
    }

    /// When a record was made, as it says itself; the latest time there is where no replica has it.
    func time(ofRecord number: UInt64) throws(KuraError) -> Int64 {
        let found = reader.replicas.lazy.compactMap { $0.single(number).value }.first
        return found?.record.record.time ?? .max
    }

    /// To which record each replica is whole; none where that is not known.
    /// - Parameter replicas: of the vault.
    /// - Returns: by ordinal.
    func marks(of replicas: [Replica]) throws(KuraError) -> [Int: UInt64] {
        let (seal, state) = (reader.seal, try state())
        var marks: [Int: UInt64] = [:]
        for replica in replicas {
            guard let logged = reader.replicas.first(where: { $0.place == replica.place }) else {
                continue
            }
            do throws(KuraError) {
                marks[replica.ordinal] = try logged.mark(seal, state).number
            } catch {
                // What it is whole to is not known: it counts for nothing.
                continue
            }
        }
        return marks
    }
}

/// Logs that were opened in a region, each once.
final class OpenedLogs: Sendable {
    private let logs = Mutex<[UniqueID: OpenedLog]>([:])

    func log(of vault: UniqueID, in region: Region) throws(KuraError) -> OpenedLog {
        if let known = logs.withLock({ $0[vault] }) { return known }
        let opened = try OpenedLog(vault, in: region)
        return logs.withLock { logs in
            logs[vault] = logs[vault] ?? opened
            return logs[vault] ?? opened
        }
    }
}

/// For programs that only read: they bring no replica up to date.
private struct NoObjects: LogObjects {
    func copy(
        neededBy state: VaultState, to replica: LogReplica, from others: [LogReplica]
    ) throws(KuraError) -> Bool { false }
}
