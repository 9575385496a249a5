package import KuraFormat
package import KuraIO
package import KuraReplicas
internal import Synchronization

/// The log of one vault in the replicas of a region: the only way to change the vault.
///
/// Every call blocks and is safe from any thread. Several of these may be open at a time, in any
/// number of processes: no lock is needed.
package final class VaultLog<State: LogFold>: Sendable {
    struct Known: Sendable {
        var tip: LogTip<State>
        /// One for each store, nil where it did not say what it is.
        var replicas: [LogReplica?]
        /// The number to which each replica was seen to be whole by this program.
        var whole: [UniqueID: UInt64] = [:]
        /// The newest record that each replica was ever seen to have, in this program or before.
        var seen: [UniqueID: LogPosition]
        /// Whether a replica was missed since they were identified.
        var isMissing = false
        /// The newest record of members that a majority of them is known to hold, with all before.
        var durableMembers: UInt64 = 0
    }

    package let seal: LogSeal
    let stores: [any Store]
    let surroundings: LogSurroundings
    let objects: any LogObjects<State>
    let session: UniqueID
    let identify: LogReplica.Identify
    let known: Mutex<Known>
    /// One commit of this object at a time: others of the same process would only lose to it.
    private let turn = Monitor()

    /// Opens a log at a state that is known to be right: of a checkpoint, or the empty one with
    /// `LogPosition.start`. The log itself is not read yet.
    /// - Parameters:
    ///   - stores: the replicas of the region, the one that is read first in front.
    ///   - seen: the newest record that each replica was ever seen to have. One that does not have
    ///     it any more was set back, and does not vote.
    ///   - session: owner of the drafts that are written.
    ///   - identify: reads the id of the replica that a store holds.
    package init(
        _ seal: LogSeal, from tip: LogTip<State>, in stores: [any Store],
        seen: [UniqueID: LogPosition] = [:], objects: any LogObjects<State>,
        surroundings: LogSurroundings, session: UniqueID,
        identify: @escaping LogReplica.Identify = LogReplica.recordedIdentity
    ) {
        self.seal = seal
        self.stores = stores
        self.objects = objects
        self.surroundings = surroundings
        self.session = session
        self.identify = identify
        known = Mutex(Known(tip: tip, replicas: stores.map { _ in nil }, seen: seen))
        identifyReplicas()
    }

    /// The newest state that this object knows.
    package var tip: LogTip<State> { known.withLock { $0.tip } }

    /// The newest record that each replica was ever seen to have: to be remembered.
    package var seen: [UniqueID: LogPosition] { known.withLock { $0.seen } }

    /// The replicas that could be identified.
    package var replicas: [LogReplica] { known.withLock { $0.replicas.compactMap(\.self) } }

    /// Reads the ids again of replicas that did not answer or may have been replaced.
    package func identifyReplicas() {
        let found = surroundings.map(stores.count) { index -> LogReplica? in
            do throws(IOError) {
                return try LogReplica(
                    stores[index], vault: seal.vault, session: session, identify: identify)
            } catch {
                return nil
            }
        }
        known.withLock { known in
            known.replicas = found
            known.isMissing = found.contains { $0 == nil }
        }
    }

    func members(of state: State) -> [LogReplica] {
        replicas.filter { state.members.contains($0.id) }
    }

    // MARK: Reading

    /// Reads on in every replica: see `LogReader.read`.
    package func read() throws(KuraError) -> LogReader<State>.Reading {
        let reading = try LogReader<State>(seal).read(from: tip, in: replicas)
        learn(reading.tip)
        return reading
    }

    /// Reads on in the first replica that answers, which is enough to begin with: who commits
    /// something finds out whether another one has more.
    package func readFirst() throws(KuraError) -> LogTip<State> {
        for replica in replicas {
            let reading = try LogReader<State>(seal).read(
                from: tip, in: [replica], comparing: false)
            if case .silent = reading.reaches[0].end { continue }
            learn(reading.tip)
            return reading.tip
        }
        return tip
    }

    func learn(_ tip: LogTip<State>) {
        known.withLock { known in
            if tip.position.number > known.tip.position.number { known.tip = tip }
        }
    }

    // MARK: Changing

    /// Commits what `propose` makes of the newest state, and makes it again for each number that
    /// another writer won.
    ///
    /// Nothing is acknowledged here that a writer, a prune or a loss of a minority of the members
    /// could undo. After an error a record may be decided all the same, then or later: look for it
    /// before you commit it again. Do not commit from within `propose`.
    /// - Parameter propose: checks what it wants against the state, and returns nil where nothing
    ///   is to be changed. Called several times, on this thread.
    /// - Returns: nil where `propose` returned it.
    package func commit(
        _ propose: (LogTip<State>) throws(KuraError) -> Proposal?
    ) throws(KuraError) -> Commit? {
        let result = turn.withLock { () -> Result<Commit?, KuraError> in
            do throws(KuraError) {
                return .success(try Committing(self).commit(propose))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    // MARK: Upkeep

    /// Makes a replica whole to the newest state that is known: see `CatchUp`.
    /// - Throws: `LogFault.setBack` for a replica that had more: it may have voted for what it does
    ///   not know any more. With a new id it catches up as any other.
    package func catchUp(_ replica: LogReplica) throws(KuraError) -> Bool {
        let tip = tip
        if let seen = seen[replica.id], replica.record(seen.number).isMissing {
            throw LogFault.setBack(replica: replica.id, place: replica.place, seen: seen).error
        }
        let others = replicas.filter { $0.id != replica.id }
        let isWhole = try CatchUp(seal, objects, now: surroundings.now)
            .bring(replica, to: tip, from: others)
        if isWhole { remember([replica.id], have: tip.position, areWhole: true) }
        return isWhole
    }

    /// Packs the records of a replica: see `Packing`.
    package func pack(_ replica: LogReplica) throws(KuraError) -> Packing<State>.Report {
        try Packing(seal).pack(replica, upTo: tip)
    }

    func remember(
        _ replicas: some Sequence<UniqueID>, have position: LogPosition, areWhole: Bool
    ) {
        known.withLock { known in
            for id in replicas {
                if position.number >= known.seen[id]?.number ?? 0 { known.seen[id] = position }
                if areWhole { known.whole[id] = max(known.whole[id] ?? 0, position.number) }
            }
        }
    }
}
