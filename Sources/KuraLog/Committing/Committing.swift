internal import KuraFormat
internal import KuraIO
internal import Synchronization

/// One commit, from what is proposed to what is acknowledged.
struct Committing<State: LogFold> {
    private let log: VaultLog<State>

    init(_ log: VaultLog<State>) { self.log = log }

    func commit(
        _ propose: (LogTip<State>) throws(KuraError) -> Proposal?
    ) throws(KuraError) -> Commit? {
        if log.known.withLock({ $0.isMissing }) { log.identifyReplicas() }
        if log.tip.position.number == 0 { _ = try log.readFirst() }
        guard log.tip.position.number > 0 else {
            throw KuraError(.absent, "the log of vault \(log.seal.vault) has no records")
        }
        while true {
            let tip = log.tip
            guard let proposal = try propose(tip) else { return nil }
            do throws(KuraError) {
                if let commit = try attempt(proposal, after: tip) { return commit }
            } catch {
                // Other replicas may be members by now, or a replica was given another id.
                guard try hasGrown(after: tip, error) else { throw error }
            }
        }
    }

    /// Whether it is worth another attempt after an error: the log has grown meanwhile.
    private func hasGrown(
        after tip: LogTip<State>, _ error: KuraError
    ) throws(KuraError) -> Bool {
        switch error.cause as? LogFault {
        case .undecided, .membersBehind: break
        default: return false
        }
        log.identifyReplicas()
        return try log.read().tip.position.number > tip.position.number
    }

    /// Tries to make a proposal the next record.
    /// - Returns: nil where another record is the next one.
    private func attempt(
        _ proposal: Proposal, after tip: LogTip<State>
    ) throws(KuraError) -> Commit? {
        let members = log.members(of: tip.state)
        try require(proposal, after: tip)
        try makeMembersDurable(tip, members)
        let survey = try survey(members, at: tip)
        let own = try log.seal.record(proposal.record, after: tip.position)
        guard tip.state.key(of: own.signer, for: own.record) != nil else {
            throw LogFault.notAdmitted(own.signer).error
        }
        // What readers refuse must not be decided.
        try tip.state.check(own.record, by: own.signer)
        let outcome = try Decision(
            seal: log.seal, surroundings: log.surroundings, tip: tip, voters: survey.voters
        ).decide(own)
        switch outcome {
        case .met(let decided):
            try advance(tip, decided)
            // An earlier put of this very record may have been taken, and its answer lost.
            guard decided.record.digest == own.digest else { return nil }
            return try acknowledge(proposal, decided, known: [], after: survey)
        case .decided(let decided, let places):
            try advance(tip, decided)
            guard decided.record.digest == own.digest else {
                // Its writer may have died. It gets no mark here: who has its packs is not known.
                _ = try tell(decided, known: places, whole: [])
                return nil
            }
            return try acknowledge(proposal, decided, known: places, after: survey)
        }
    }

    /// What is committed has to be in the required copies of those that are members now.
    private func require(_ proposal: Proposal, after tip: LogTip<State>) throws(KuraError) {
        guard let holders = proposal.holders else { return }
        let has = holders.intersection(tip.state.members).count
        guard has < proposal.required else { return }
        throw LogFault.tooFewHolders(has: has, needed: proposal.required).error
    }

    private func advance(_ tip: LogTip<State>, _ decided: DecidedRecord) throws(KuraError) {
        var next = tip
        try next.state.apply(decided.record)
        next.position = decided.record.position
        log.learn(next)
    }

    // MARK: Before

    /// Before anything follows a record of members, a majority of them has the log to it: until
    /// then the next loss could take the only copies of it.
    private func makeMembersDurable(
        _ tip: LogTip<State>, _ members: [LogReplica]
    ) throws(KuraError) {
        let number = tip.position.number
        guard number > 0, tip.state.membersNumber == number,
            log.known.withLock({ $0.durableMembers < number })
        else { return }
        let needed = tip.state.members.count / 2 + 1
        let others = log.replicas
        let catchUp = CatchUp(log.seal, log.objects, now: log.surroundings.now)
        let results = log.surroundings.map(members.count) { index -> Bool in
            let replica = members[index]
            do throws(KuraError) {
                return try catchUp.copyRecords(
                    to: replica, from: others.filter { $0.id != replica.id }, upTo: tip)
            } catch {
                return false
            }
        }
        let reached = results.count(where: \.self)
        guard reached >= needed else {
            throw LogFault.membersBehind(number: number, reached: reached, needed: needed).error
        }
        log.known.withLock { $0.durableMembers = number }
    }

    /// What is known of the members before anything is put.
    private struct Survey {
        var voters: [LogReplica] = []
        /// Ids of those that are whole to the newest record.
        var whole: Set<UniqueID> = []
        /// Ids of those that do not have a record any more that they had. They do not vote.
        var setBack: Set<UniqueID> = []
    }

    /// Looks at the members before anything is put: so those that have another record or less than
    /// they had are found in time.
    private func survey(
        _ members: [LogReplica], at tip: LogTip<State>
    ) throws(KuraError) -> Survey {
        let known = log.known.withLock { $0 }
        let results = log.surroundings.map(members.count) { index -> Result<Standing, KuraError> in
            let replica = members[index]
            if known.whole[replica.id] == tip.position.number { return .success(.whole) }
            do throws(KuraError) {
                return .success(try standing(replica, known.seen[replica.id], at: tip))
            } catch {
                return .failure(error)
            }
        }
        var survey = Survey()
        for (replica, result) in zip(members, results) {
            let standing = try result.get()
            switch standing {
            case .whole: survey.whole.insert(replica.id)
            case .behind: break
            case .setBack: survey.setBack.insert(replica.id)
            }
            if standing != .setBack { survey.voters.append(replica) }
        }
        return survey
    }

    private enum Standing {
        case whole
        case behind
        /// It does not have a record any more that it had.
        case setBack
    }

    private func standing(
        _ replica: LogReplica, _ seen: LogPosition?, at tip: LogTip<State>
    ) throws(KuraError) -> Standing {
        let number = tip.position.number
        if let seen, seen.number > number {
            return replica.record(seen.number).isMissing ? .setBack : .behind
        }
        if let mark = replica.mark(number).value,
            log.seal.isValid(mark, of: replica.id, as: number, tip.state)
        {
            guard mark.position == tip.position else {
                throw LogFault.forked(
                    number: number, .init(tip.position.digest, at: nil),
                    .init(mark.position.digest, at: replica.place)
                ).error
            }
            return .whole
        }
        guard let seen else { return .behind }
        return replica.record(seen.number).isMissing ? .setBack : .behind
    }

    // MARK: After

    /// Tells the members that a record is decided, and counts those that are whole to it. Where
    /// these are too few, it brings others there.
    private func acknowledge(
        _ proposal: Proposal, _ decided: DecidedRecord, known: Set<UniqueID>, after survey: Survey
    ) throws(KuraError) -> Commit {
        let position = decided.record.position
        let whole = proposal.holders.map { survey.whole.intersection($0) } ?? survey.whole
        var commit = Commit(
            position: position,
            copies: try tell(decided, known: known, whole: whole),
            required: proposal.required, setBack: survey.setBack)
        let now = log.tip
        guard !commit.isAcknowledged, now.position == position else { return commit }
        for replica in log.members(of: now.state) where !commit.copies.contains(replica.id) {
            do throws(KuraError) {
                if try log.catchUp(replica) { commit.copies.insert(replica.id) }
            } catch {
                // It is one copy less; the result says so.
                continue
            }
            if commit.isAcknowledged { break }
        }
        return commit
    }

    /// - Returns: ids of the members that are whole to the record now.
    private func tell(
        _ decided: DecidedRecord, known: Set<UniqueID>, whole: Set<UniqueID>
    ) throws(KuraError) -> Set<UniqueID> {
        let members = log.members(of: log.tip.state)
        let told = Spreading(
            seal: log.seal, surroundings: log.surroundings, decided: decided
        ).tell(members, known: known, whole: whole)
        var marked: Set<UniqueID> = []
        var informed: Set<UniqueID> = []
        for (replica, told) in zip(members, told) {
            switch told {
            case .marked: marked.insert(replica.id)
            case .told: informed.insert(replica.id)
            case .failed: continue
            case .other(let other):
                guard log.seal.isBelieved(other, log.tip.state) else { continue }
                throw LogFault.forked(
                    number: decided.number, .init(decided.record.digest, at: nil),
                    .init(other.record.digest, at: replica.place)
                ).error
            }
        }
        log.remember(informed, have: decided.record.position, areWhole: false)
        log.remember(marked, have: decided.record.position, areWhole: true)
        if marked.count < members.count { log.known.withLock { $0.isMissing = true } }
        return marked
    }
}
