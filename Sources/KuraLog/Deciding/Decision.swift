internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Makes a record the one with the next number, or finds out which one is.
struct Decision<State: LogFold>: Sendable {
    let seal: LogSeal
    let surroundings: LogSurroundings
    /// The state before the number that is decided. Its members decide.
    let tip: LogTip<State>
    /// Members in reach.
    let voters: [LogReplica]

    static var ballotsMax: UInt32 { 999 }

    enum Outcome: Sendable {
        /// The votes were counted here. It stands in the log of these replicas only.
        case decided(DecidedRecord, in: Set<UniqueID>)
        /// It stands in the log of a replica.
        case met(DecidedRecord)
    }

    var number: UInt64 { tip.position.number + 1 }
    private var memberCount: Int { tip.state.members.count }
    private var majority: Int { memberCount / 2 + 1 }

    /// - Throws: `LogFault.undecided` where no majority takes part. The record may be decided all
    ///   the same, then or later.
    func decide(_ own: LogRecord.Encoded) throws(KuraError) -> Outcome {
        if memberCount == 1 { return try decideAlone(own) }
        guard voters.count >= majority else {
            if let decided = try findDecided() { return .met(decided) }
            throw undecided(own, voters.count).error
        }
        // A replica that is away cannot take it, and only all together decide in ballot 0.
        if voters.count == memberCount, let outcome = try voteFirst(own) { return outcome }
        for ballot in 1...Self.ballotsMax {
            switch try run(ballot, own) {
            case .over(let outcome): return outcome
            case .lost(let answered):
                if answered >= majority { try surroundings.pause(Int(ballot)) }
                if let decided = try findDecided() { return .met(decided) }
                guard answered >= majority else { throw undecided(own, answered).error }
            }
        }
        throw undecided(own, majority).error
    }

    private func undecided(_ own: LogRecord.Encoded, _ reached: Int) -> LogFault {
        .undecided(number: number, proposed: own.digest, reached: reached, needed: majority)
    }

    // MARK: One member

    /// The put of log/n decides, unless the number is in a segment: then the name was free because
    /// the record is packed.
    private func decideAlone(_ own: LogRecord.Encoded) throws(KuraError) -> Outcome {
        guard let replica = voters.first else { throw undecided(own, 0).error }
        let decided = seal.decided(own)
        let answer = replica.put(replica.names.log(number), decided.encoded())
        if case .silent = answer { throw undecided(own, 0).error }
        switch replica.look(number) {
        case .decided(let packed): return .met(try required(packed, in: replica))
        case .replaced, .silent: throw undecided(own, 0).error
        case .damaged(let error): throw error
        case .clear: break
        }
        switch answer {
        case .took: return .decided(decided, in: [replica.id])
        case .stands:
            switch replica.log(number) {
            case .there(let other): return .met(try required(other, in: replica))
            case .damaged(let error): throw error
            case .missing, .silent: throw undecided(own, 0).error
            }
        case .removed, .silent: throw undecided(own, 0).error
        }
    }

    // MARK: Ballots

    /// What one replica says after a put.
    private enum Cast: Sendable {
        /// It counts.
        case took
        /// Another object stands there.
        case refused
        /// The number is in a segment.
        case packed(DecidedRecord)
        /// It does not count, and it is no refusal.
        case useless(KuraError)

        /// Whether the replica takes part.
        var isAnswer: Bool {
            switch self {
            case .took, .refused: true
            case .packed, .useless: false
            }
        }

        var isTaken: Bool {
            if case .took = self { return true }
            return false
        }
    }

    private enum Round {
        case over(Outcome)
        /// - Parameter answered: how many members took part.
        case lost(answered: Int)
    }

    /// Ballot 0, which belongs to no writer: decided where all members took it.
    private func voteFirst(_ own: LogRecord.Encoded) throws(KuraError) -> Outcome? {
        let casts = vote(own, in: 0)
        if let decided = try met(casts) { return .met(decided) }
        if casts.count(where: \.isTaken) == memberCount {
            return .decided(seal.decided(own), in: [])
        }
        // Where another vote stands, the number may have been decided long ago.
        return try findDecided().map { .met($0) }
    }

    private func run(_ ballot: UInt32, _ own: LogRecord.Encoded) throws(KuraError) -> Round {
        let name = UniqueID.random()
        let claims = cast { replica in
            replica.put(
                replica.names.claim(number, ballot),
                seal.claim(name, of: number, ballot, in: replica.id))
        }
        if let decided = try met(claims) { return .over(.met(decided)) }
        guard claims.count(where: \.isTaken) >= majority else {
            return .lost(answered: claims.count(where: \.isAnswer))
        }
        let closings = surroundings.map(voters.count) { close(ballot, in: voters[$0]) }
        if let decided = try met(closings.map(\.cast)) { return .over(.met(decided)) }
        let closed = closings.filter(\.cast.isTaken)
        guard closed.count >= majority else {
            return .lost(answered: closings.count { $0.cast.isAnswer })
        }
        let chosen = choose(own, closed)
        let votes = vote(chosen, in: ballot)
        if let decided = try met(votes) { return .over(.met(decided)) }
        guard votes.count(where: \.isTaken) >= majority else {
            return .lost(answered: votes.count(where: \.isAnswer))
        }
        return .over(.decided(seal.decided(chosen), in: []))
    }

    private func vote(_ record: LogRecord.Encoded, in ballot: UInt32) -> [Cast] {
        cast { replica in
            replica.put(
                replica.names.vote(number, ballot),
                seal.vote(record, as: number, ballot, in: replica.id))
        }
    }

    /// Puts something in each member, and looks what it is worth.
    private func cast(_ put: @Sendable (LogReplica) -> PutAnswer) -> [Cast] {
        surroundings.map(voters.count) { index in
            let replica = voters[index]
            let answer = put(replica)
            if case .silent(let error) = answer { return .useless(KuraError(io: error)) }
            if let cast = look(in: replica) { return cast }
            if case .took = answer { return .took }
            return .refused
        }
    }

    /// - Returns: nil where what was put and read in a replica counts.
    private func look(in replica: LogReplica) -> Cast? {
        switch replica.look(number) {
        case .clear: nil
        case .decided(let decided): .packed(decided)
        case .replaced:
            .useless(KuraError(.replicaMissing, "\(replica.place) holds another replica now"))
        case .damaged(let error): .useless(error)
        case .silent(let error): .useless(KuraError(io: error))
        }
    }

    // MARK: Closing

    /// What one replica holds in the ballots below one, which are closed there now.
    private struct Closing: Sendable {
        var cast: Cast
        /// The highest ballot above 0 with a record.
        var best: (ballot: UInt32, record: LogRecord.Encoded)?
        var zero: LogRecord.Encoded?
    }

    /// Puts a blank under every lower ballot of a replica, and reads what stands there.
    private func close(_ ballot: UInt32, in replica: LogReplica) -> Closing {
        var closing = Closing(cast: .took)
        for lower in 0..<ballot {
            let blank = seal.vote(nil, as: number, lower, in: replica.id)
            switch replica.put(replica.names.vote(number, lower), blank) {
            case .took: continue
            case .removed: closing.cast = .refused
            case .silent(let error): return Closing(cast: .useless(KuraError(io: error)))
            case .stands(let bytes):
                switch record(of: bytes, lower, in: replica) {
                case .failure(let error): return Closing(cast: .useless(error))
                case .success(let record):
                    if lower == 0 {
                        closing.zero = record
                    } else if let record {
                        closing.best = (lower, record)
                    }
                }
            }
        }
        if let cast = look(in: replica) { closing.cast = cast }
        return closing
    }

    /// The record of a vote; nil for a blank, and for a record that cannot be the next one.
    ///
    /// A vote whose signature is wrong may have been another one. Then it is unknown what the
    /// replica voted for, and it cannot take part.
    private func record(
        of bytes: [UInt8], _ ballot: UInt32, in replica: LogReplica
    ) -> Result<LogRecord.Encoded?, KuraError> {
        let answer = replica.vote(bytes, of: number, ballot)
        guard case .there(let vote) = answer,
            seal.isValid(vote, as: number, ballot, in: replica.id, by: tip.state)
        else {
            let name = replica.store.address(of: replica.names.vote(number, ballot))
            return .failure(KuraError(.damaged, "\(name) is damaged: it is no vote"))
        }
        guard let record = vote.record, seal.objection(to: record, after: tip) == nil else {
            return .success(nil)
        }
        return .success(record)
    }

    /// Chooses what to propose, from what stands in a majority whose lower ballots are closed.
    private func choose(
        _ own: LogRecord.Encoded, _ closed: [Closing]
    ) -> LogRecord.Encoded {
        let best = closed.compactMap(\.best).max { $0.ballot < $1.ballot }
        if let best { return best.record }
        // All equal: it may be decided. Otherwise any will do, and another writer may have died.
        let found = closed.compactMap(\.zero)
        if found.contains(where: { $0.digest != found[0].digest }) || found.count < closed.count,
            found.contains(where: { $0.digest == own.digest })
        {
            return own
        }
        return found.first ?? own
    }

    // MARK: Decided records

    private func met(_ casts: [Cast]) throws(KuraError) -> DecidedRecord? {
        for (cast, replica) in zip(casts, voters) {
            guard case .packed(let found) = cast else { continue }
            if let decided = try checked(found, in: replica) { return decided }
        }
        return nil
    }

    /// Reads the number in every voter.
    private func findDecided() throws(KuraError) -> DecidedRecord? {
        let answers = surroundings.map(voters.count) { voters[$0].record(number) }
        for (answer, replica) in zip(answers, voters) {
            guard let found = answer.value else { continue }
            if let decided = try checked(found, in: replica) { return decided }
        }
        return nil
    }

    /// - Returns: nil for a record that is not to be believed: one replica cannot stop the others.
    /// - Throws: `LogFault.forked` where the record was decided and follows another one.
    private func checked(
        _ decided: DecidedRecord, in replica: LogReplica
    ) throws(KuraError) -> DecidedRecord? {
        guard let objection = seal.objection(to: decided, after: tip) else { return decided }
        guard objection == .chain, let previous = decided.record.record.previous,
            seal.isBelieved(decided, tip.state)
        else { return nil }
        throw LogFault.forked(
            number: tip.position.number, .init(tip.position.digest, at: nil),
            .init(previous, at: replica.place)
        ).error
    }

    /// The same where there is no other replica.
    private func required(
        _ found: DecidedRecord, in replica: LogReplica
    ) throws(KuraError) -> DecidedRecord {
        if let decided = try checked(found, in: replica) { return decided }
        throw KuraError(
            .damaged, "record \(number) in \(replica.place) is not to be believed")
    }
}
