package import KuraFormat
package import KuraIO

/// Makes and checks the signed objects of one vault's log. Nothing that comes from a replica is
/// believed before it went through here.
package struct LogSeal: Sendable {
    package let vault: UniqueID
    /// Nil in a program that only reads.
    let signer: (any LogSigner)?
    let verifier: any LogVerifier

    package init(vault: UniqueID, signer: (any LogSigner)?, verifier: any LogVerifier) {
        self.vault = vault
        self.signer = signer
        self.verifier = verifier
    }

    // MARK: Checking

    /// Why a record is not what comes after a state; nil where it is.
    func objection<State: LogFold>(
        to record: LogRecord.Encoded, after tip: LogTip<State>
    ) -> Objection? {
        guard record.number == tip.position.number + 1 else { return .number }
        guard belongs(record) else { return .vault }
        guard record.record.previous == tip.position.previous else { return .chain }
        guard let key = tip.state.key(of: record.signer, for: record.record) else {
            return .signer
        }
        return isSigned(record, by: key) ? nil : .signature
    }

    func isSigned(_ record: LogRecord.Encoded, by key: PublicKeyBytes) -> Bool {
        verifier.isValid(record.signature, for: record.signedBytes, by: key)
    }

    /// Why a decided record is not the one after a state; nil where it is.
    func objection<State: LogFold>(
        to decided: DecidedRecord, after tip: LogTip<State>
    ) -> Objection? {
        if let objection = objection(to: decided.record, after: tip) { return objection }
        guard let key = tip.state.key(of: decided.decider, for: decided.record.record) else {
            return .decider
        }
        return isDecided(decided, by: key) ? nil : .decision
    }

    func isDecided(_ decided: DecidedRecord, by key: PublicKeyBytes) -> Bool {
        verifier.isValid(decided.signature, for: decided.signedBytes, by: key)
    }

    /// Whether a record is one of this vault. The first one has the vault's name in its digest.
    func belongs(_ record: LogRecord.Encoded) -> Bool { record.vault == vault }

    /// Whether a vote stands where it was put, and an admitted key signed it.
    func isValid<State: LogFold>(
        _ vote: Vote, as number: UInt64, _ ballot: UInt32, in replica: UniqueID, by state: State
    ) -> Bool {
        guard vote.vault == vault, vote.number == number, vote.ballot == ballot,
            let key = state.knownKey(of: vote.signer)
        else { return false }
        return verifier.isValid(vote.signature, for: vote.signedBytes(in: replica), by: key)
    }

    func isValid<State: LogFold>(
        _ mark: WholeMark, of replica: UniqueID, as number: UInt64, _ state: State
    ) -> Bool {
        guard mark.vault == vault, mark.replica == replica, mark.position.number == number,
            let key = state.knownKey(of: mark.signer)
        else { return false }
        return verifier.isValid(mark.signature, for: mark.signedBytes, by: key)
    }

    /// Whether a key that is known signed the decision of a record.
    func isDecided<State: LogFold>(_ decided: DecidedRecord, _ state: State) -> Bool {
        state.knownKey(of: decided.decider).map { isDecided(decided, by: $0) } ?? false
    }

    /// Whether keys that are known signed a record, and that it was decided, whatever comes before
    /// it.
    func isBelieved<State: LogFold>(_ decided: DecidedRecord, _ state: State) -> Bool {
        guard belongs(decided.record), let signer = state.knownKey(of: decided.record.signer)
        else { return false }
        return isSigned(decided.record, by: signer) && isDecided(decided, state)
    }

    // MARK: Making

    /// Only programs that write come here.
    var writer: any LogSigner {
        guard let signer else { preconditionFailure("a reader has no key to sign with") }
        return signer
    }

    /// Signs a record as the one after a position. No two records of this function are equal.
    /// - Throws: `invalidInput` for what is too much for one record.
    package func record(
        _ draft: LogRecord, after position: LogPosition
    ) throws(KuraError) -> LogRecord.Encoded {
        var record = draft
        record.vault = position.number == 0 ? nil : vault
        record.number = position.number + 1
        record.previous = position.previous
        record.salt = .random()
        return try Self.sign(record, with: writer)
    }

    /// Signs a record as it is.
    package static func sign(
        _ record: LogRecord, with signer: any LogSigner
    ) throws(KuraError) -> LogRecord.Encoded {
        let content = record.content(signer: signer.id)
        do throws(FormatError) {
            return try LogRecord.encoded(
                content: content,
                signature: signer.sign(LogRecord.bytesToSign(content: content)))
        } catch {
            throw KuraError(
                .invalidInput, "what is to be written makes no record: \(error)", cause: error)
        }
    }

    package func decided(_ record: LogRecord.Encoded) -> DecidedRecord {
        DecidedRecord(
            record: record, decider: writer.id,
            signature: writer.sign(DecidedRecord.bytesToSign(record)))
    }

    /// - Parameter record: nil for a blank.
    func vote(
        _ record: LogRecord.Encoded?, as number: UInt64, _ ballot: UInt32, in replica: UniqueID
    ) -> [UInt8] {
        var vote = Vote(
            vault: vault, number: number, ballot: ballot, record: record, signer: writer.id)
        vote.signature = writer.sign(vote.signedBytes(in: replica))
        return vote.encoded()
    }

    func claim(
        _ attempt: UniqueID, of number: UInt64, _ ballot: UInt32, in replica: UniqueID
    ) -> [UInt8] {
        var claim = Claim(
            vault: vault, number: number, ballot: ballot, attempt: attempt, signer: writer.id)
        claim.signature = writer.sign(claim.signedBytes(in: replica))
        return claim.encoded()
    }

    func mark(_ position: LogPosition, of replica: UniqueID, at time: Int64) -> [UInt8] {
        var mark = WholeMark(
            vault: vault, replica: replica, position: position, time: time, packs: 0,
            byteCount: 0, signer: writer.id)
        mark.signature = writer.sign(mark.signedBytes)
        return mark.encoded()
    }

    /// Why something is not what it must be.
    enum Objection: String, Sendable {
        case number
        case vault
        case chain = "the record before it"
        case signer
        case signature
        case decider
        case decision = "the signature of its decision"
    }
}

extension Digest {
    /// 32 random bytes from the system.
    static func random() -> Digest {
        let words = (0..<4).map { _ in UInt64.random(in: 0...UInt64.max) }
        return Digest(words: (words[0], words[1], words[2], words[3]))
    }
}
