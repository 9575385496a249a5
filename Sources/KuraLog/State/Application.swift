package import KuraFormat
package import KuraIO
internal import KuraSeal

extension VaultState {
    /// Takes in the next record, whole or not at all.
    ///
    /// The signatures of record and decision are the caller's part; here it is checked that the
    /// signer may do this, and that the state allows it.
    ///
    /// - Throws: an error whose cause is the `Refusal`; or one about a page that could not be read.
    package mutating func apply(_ record: LogRecord.Encoded) throws(KuraError) {
        self = try after(record.record, by: record.signer, digest: record.digest)
    }

    /// Throws where a record would be refused: before it is proposed.
    package func check(_ record: LogRecord, by signer: KeyID) throws(KuraError) {
        _ = try after(record, by: signer, digest: Digest(words: (0, 0, 0, 0)))
    }

    private func after(
        _ record: LogRecord, by signer: KeyID, digest: Digest
    ) throws(KuraError) -> VaultState {
        var application = Application(before: self, record: record, digest: digest)
        do {
            try application.run(signer: signer)
            return application.state
        } catch let rule as StateRule {
            throw Refusal(record: record.number, body: application.body, rule: rule).error
        } catch {
            throw KuraError(error)
        }
    }
}

/// One record on its way into a state. It throws a `StateRule` where it breaks one.
struct Application {
    let before: VaultState
    let record: LogRecord
    let digest: Digest
    /// The state as far as the bodies were taken in.
    var state: VaultState
    /// Index of the body that is taken in.
    private(set) var body: Int?
    var number: UInt64 { record.number }

    init(before: VaultState, record: LogRecord, digest: Digest) {
        self.before = before
        self.record = record
        self.digest = digest
        state = before
    }

    mutating func run(signer: KeyID) throws {
        try checkChain()
        try checkRights(of: signer)
        if before.head == nil { try begin() }
        for (index, body) in record.bodies.enumerated() {
            self.body = index
            try apply(body)
        }
        body = nil
        try finish()
    }

    /// What is true of settings, members and keys once record 1 is read.
    var head: VaultState.Head {
        get { state.head! }
        set { state.head = newValue }
    }

    private func checkChain() throws {
        guard let head = before.head else {
            guard number == 1 else { throw StateRule.number(expected: 1) }
            guard record.epoch == 0 else { throw StateRule.epoch(expected: 0) }
            return
        }
        guard number == head.position.number + 1 else {
            throw StateRule.number(expected: head.position.number + 1)
        }
        guard record.vault == head.vault else { throw StateRule.otherVault }
        guard record.previous == head.position.digest else { throw StateRule.previous }
        let failovers = record.bodies.count { if case .failover = $0 { true } else { false } }
        guard failovers < 2 else { throw StateRule.secondFailover }
        let (epoch, isTooMuch) = head.epoch.addingReportingOverflow(UInt64(failovers))
        guard record.epoch == epoch, !isTooMuch else { throw StateRule.epoch(expected: epoch) }
    }

    /// Rights count as they were before the record.
    private func checkRights(of signer: KeyID) throws {
        guard before.key(of: signer, for: record) != nil else { throw StateRule.signer }
        // The root key may do everything, and it alone signs record 1.
        guard let rights = before.head?.keys[signer]?.body.rights,
            signer != before.head.map({ KeyID(of: $0.settings.rootKey) })
        else { return }
        for body in record.bodies where !body.rightNeeded.isSubset(of: rights) {
            throw StateRule.right(body.rightNeeded.word)
        }
    }

    private mutating func begin() throws {
        guard case .vault(let settings) = record.bodies.first else {
            throw StateRule.firstRecord("begins with the settings of the vault")
        }
        guard settings.state == .usable else {
            throw StateRule.firstRecord("makes a vault that can be used")
        }
        state.head = VaultState.Head(
            vault: UniqueID(firstHalfOf: digest), position: LogPosition(number: 1, digest: digest),
            epoch: 0, activeRegion: settings.region, settings: settings, members: [:], keys: [:])
        try checkUsable(settings.rootKey)
        state.knownKeys[KeyID(of: settings.rootKey)] = settings.rootKey
    }

    private mutating func finish() throws {
        head.position = LogPosition(number: number, digest: digest)
        guard !state.members(of: head.activeRegion).isEmpty else {
            throw StateRule.noMembers(head.activeRegion)
        }
        guard number % UInt64(Limits.segmentRecordsMax) == 0 else { return }
        let first = number + 1 - UInt64(Limits.segmentRecordsMax)
        try put(SegmentEntry(first: first, last: digest).entry, in: \.segments)
    }

    /// Puts an entry into a table, in the place of another with its key.
    mutating func put(
        _ entry: StatePage.Entry, in table: WritableKeyPath<VaultState, StateTable>
    ) throws {
        guard 1...Limits.pageKeyBytesMax ~= entry.key.count,
            entry.byteCount <= StatePage.entriesBytesMax
        else { throw StateRule.tooLarge }
        try state[keyPath: table].set(entry.value, for: entry.key)
    }

    /// Takes an entry out of a table.
    mutating func remove(
        _ key: [UInt8], from table: WritableKeyPath<VaultState, StateTable>
    ) throws {
        try state[keyPath: table].set(nil, for: key)
    }

    private mutating func apply(_ body: LogBody) throws {
        switch body {
        case .vault(let body): try apply(body)
        case .members(let body): try apply(body)
        case .point(let body): try apply(body)
        case .runs(let body): try apply(body)
        case .drop(let body): try apply(body)
        case .undrop(let body): try apply(body)
        case .forget(let body): try apply(body)
        case .hold(let body): try apply(body)
        case .release(let body): try apply(body)
        case .condemn(let body): try apply(body)
        case .spare(let body): try apply(body)
        case .sweep(let body): try apply(body)
        case .deleted(let body): try apply(body)
        case .setting(let body): try apply(body)
        case .lost(let body): try apply(body)
        case .key(let body): try apply(body)
        case .failover(let body): try apply(body)
        case .adoption(let body): try apply(body)
        case .checkpoint(let body): try apply(body)
        case .rekey(let body): try apply(body)
        case .accept(let body): try apply(body)
        case .unknown(let body):
            state.unknown = state.unknown ?? VaultState.Unknown(record: number, body: body)
        }
    }
}
