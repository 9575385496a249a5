internal import KuraFormat
internal import KuraIO
internal import KuraLog
internal import KuraReplicas

extension LoggedCollection {
    /// Sweeps condemned packs that no live run lists, and deletes swept ones.
    mutating func sweep() throws(KuraError) {
        let state = try log.read().tip.state
        let condemned = try state.outgoingPacks().filter { $0.swept == nil }
        if !condemned.isEmpty {
            let waiting = try packsWaiting(condemned)
            try commitSweep(without: waiting)
        }
        try delete()
    }

    /// Condemned packs that a session or a reader may still use which began before they were
    /// condemned. Only so that it need not begin again: nothing is lost where this is wrong.
    private mutating func packsWaiting(
        _ condemned: [PackEntry]
    ) throws(KuraError) -> Set<PackID> {
        let users = try vault.beginnings(ofUsersExcept: session.id)
        report.waitingSessions = 0
        report.waitingBytes = 0
        guard !users.isEmpty, let opened = try vault.openedLog() else { return [] }
        var waiting: Set<PackID> = []
        for (number, packs) in Dictionary(grouping: condemned, by: \.condemned) {
            let time = try opened.time(ofRecord: number)
            let early = users.count { $0 <= time }
            guard early > 0 else { continue }
            report.waitingSessions = max(report.waitingSessions, early)
            waiting.formUnion(packs.map(\.pack))
        }
        for pack in waiting {
            report.waitingBytes += vault.size(of: .pack(pack), vault.replicas)
        }
        return waiting
    }

    private func commitSweep(without waiting: Set<PackID>) throws(KuraError) {
        try session.commit(log) { state throws(KuraError) in
            let condemned = try state.outgoingPacks().filter {
                $0.swept == nil && !waiting.contains($0.pack)
            }
            guard !condemned.isEmpty else { return nil }
            let index = try ChunkIndex.open(vault, at: state)
            try vault.requireReadable(index)
            let listed = Set(index.packs.map(\.id))
            // A run that lists one again without sparing it: it is needed.
            let spared = condemned.map(\.pack).filter(listed.contains).sorted()
            let going = condemned.filter { !listed.contains($0.pack) }
            var bodies: [LogBody] = spared.isEmpty ? [] : [.spare(SpareBody(packs: spared))]
            for (number, packs) in Dictionary(grouping: going, by: \.condemned)
                .sorted(by: { $0.key < $1.key })
            {
                bodies.append(
                    .sweep(SweepBody(condemned: number, packs: packs.map(\.pack).sorted())))
            }
            return bodies
        }
    }

    /// Deletes swept packs in every replica that is whole to their sweep. Where every member did
    /// it, a record says so.
    private mutating func delete() throws(KuraError) {
        let state = try log.read().tip.state
        let swept = try state.outgoingPacks().filter { $0.swept != nil }
        guard !swept.isEmpty, let opened = try vault.openedLog() else { return }
        var marks = try opened.marks(of: session.writer.live)
        let newest = swept.compactMap(\.swept).max() ?? 0
        // Where the program that swept them died, no replica says that it is whole to that.
        if session.writer.live.contains(where: { marks[$0.ordinal] ?? 0 < newest }) {
            try session.catchUp(with: log)
            marks = try opened.marks(of: session.writer.live)
        }
        var bytes: [PackID: UInt64] = [:]
        // Per sweep, replicas that have carried it out.
        var done: [UInt64: Set<Int>] = [:]
        for replica in session.writer.live {
            guard let mark = marks[replica.ordinal] else { continue }
            let packs = swept.filter { ($0.swept ?? .max) <= mark }
            do throws(IOError) {
                for pack in packs {
                    let size = try vault.remove(.pack(pack.pack), in: replica)
                    bytes[pack.pack] = max(bytes[pack.pack] ?? 0, size)
                }
                for pack in packs {
                    if let sweep = pack.swept { done[sweep, default: []].insert(replica.ordinal) }
                }
            } catch {
                session.writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
        for size in bytes.values where size > 0 {
            report.removedPacks += 1
            report.removedBytes += size
        }
        try commitDeleted(done, members: state.members)
    }

    private func commitDeleted(
        _ done: [UInt64: Set<Int>], members: [UniqueID]
    ) throws(KuraError) {
        let replicas = log.replicas(of: vault, in: Set(members))
        guard replicas.count == members.count else { return }
        let complete = done.filter { $0.value.isSuperset(of: replicas.map(\.ordinal)) }.keys
        guard !complete.isEmpty else { return }
        try session.commit(log) { state throws(KuraError) in
            let left = Set(try state.outgoingPacks().compactMap(\.swept))
            let sweeps = complete.filter(left.contains).sorted()
            return sweeps.isEmpty ? nil : [.deleted(DeletedBody(sweeps: sweeps))]
        }
    }

    /// Removes files of runs that are not live: superseded ones, and those of writers that never
    /// committed them. Nothing while another session is open, which may be about to. A run that is
    /// lost all the same can be made again from its packs.
    mutating func removeDeadRuns() throws(KuraError) {
        guard try vault.openWriters(except: session.id).isEmpty,
            let opened = try vault.openedLog()
        else { return }
        let state = try log.read().tip.state
        let marks = try opened.marks(of: session.writer.live)
        let live = Set(try state.liveRuns().map(\.run.id))
        var removed: [RunID: UInt64] = [:]
        for replica in session.writer.live where marks[replica.ordinal] == state.position?.number {
            do throws(IOError) {
                let folder = Layout.vault(vault.id).folder(Layout.index)
                for name in try replica.store.names(in: folder) {
                    guard let id = RunID(hex: name), !live.contains(id) else { continue }
                    let size = try vault.remove(.run(id), in: replica)
                    removed[id] = max(removed[id] ?? 0, size)
                }
            } catch {
                session.writer.fail(replica.ordinal, KuraError(io: error))
            }
        }
        report.removedBytes += removed.values.reduce(0, +)
    }
}

extension Vault {
    /// When the sessions and readers that are open began, as their locks say, in nanoseconds since
    /// 1970. One whose lock says nothing began before everything.
    fileprivate func beginnings(ofUsersExcept own: UniqueID) throws(KuraError) -> [Int64] {
        let readers = try openReaders().map { LeaseScope.reader($0) }
        let writers = try openWriters(except: own).map { LeaseScope.session($0) }
        return (readers + writers).map { scope in
            var begun: Int64 = .min
            for replica in replicas {
                do throws(IOError) {
                    begun = max(begun, try replica.store.status(scope.name(in: id)).modified)
                } catch {
                    continue
                }
            }
            return begun
        }
    }
}
