internal import KuraFormat
internal import KuraSeal

/// What records do to the vault itself: settings, members, regions, keys.
extension Application {
    mutating func apply(_ body: VaultBody) throws {
        guard body.redundancy.hasPair == (body.pair != nil),
            head.activeRegion == body.region || head.activeRegion == body.pair
        else { throw StateRule.pair }
        let old = head.settings
        guard body.region == old.region else { throw StateRule.fixedSetting("the first region") }
        guard body.rootKey == old.rootKey else { throw StateRule.fixedSetting("the root key") }
        guard body.chunker == old.chunker, body.chunkBytesMean == old.chunkBytesMean else {
            throw StateRule.fixedSetting("the chunker")
        }
        guard old.macKey == nil || body.macKey == old.macKey else {
            throw StateRule.fixedSetting("the key of codes")
        }
        for feature in old.requiredFeatures where !body.requiredFeatures.contains(feature) {
            throw StateRule.featureRemoved(feature)
        }
        head.settings = body
    }

    mutating func apply(_ body: SettingBody) throws {
        guard try state.setting(body.subject)?.value ?? "" == body.before else {
            throw StateRule.settingDiffers(subject: body.subject)
        }
        let entry = SettingEntry(
            subject: body.subject, value: body.after, number: number
        ).entry
        guard !body.after.isEmpty else { return try remove(entry.key, from: \.settings) }
        try put(entry, in: \.settings)
    }

    /// Members change from the next record on. That their log is whole is the proposer's part.
    mutating func apply(_ body: MembersBody) throws {
        let region = body.region
        guard region == head.settings.region || region == head.settings.pair else {
            throw StateRule.otherRegion(region)
        }
        for (other, members) in head.members where other != region {
            for replica in body.replicas where members.replicas.contains(replica) {
                throw StateRule.replicaOfOtherRegion(replica)
            }
        }
        head.members[region] = body
        state.memberRecords[region] = number
    }

    mutating func apply(_ body: FailoverBody) throws {
        guard body.region == head.settings.region || body.region == head.settings.pair else {
            throw StateRule.otherRegion(body.region)
        }
        guard body.region != head.activeRegion else { throw StateRule.activeAlready }
        guard !state.members(of: body.region).isEmpty else {
            throw StateRule.noMembers(body.region)
        }
        // The passive region has the records of the active one, in order, and no others.
        guard body.branch == before.position else { throw StateRule.branchPoint }
        head.epoch = record.epoch
        head.activeRegion = body.region
    }

    /// Its points are bodies of their own.
    mutating func apply(_ body: AdoptionBody) throws {
        guard head.epoch > 0 else { throw StateRule.noFailover }
        guard body.first < number, body.tip != before.position else {
            throw StateRule.branchBehind
        }
        let entry = BranchEntry(tip: body.tip, first: body.first, number: number).entry
        guard try state.branches[entry.key] == nil else {
            throw StateRule.adoptedAlready(number: body.tip.number)
        }
        try put(entry, in: \.branches)
    }

    mutating func apply(_ body: CheckpointBody) throws {
        guard body.number < number else { throw StateRule.notBefore(body.number) }
        for known in [state.origin, state.checkpoint] {
            guard let known, known.number == body.number else { continue }
            guard known.root == body.root else {
                throw StateRule.checkpointDiffers(number: body.number)
            }
        }
        if state.origin == body { state.isOriginNamed = true }
        if body.number >= state.checkpoint?.number ?? 0 { state.checkpoint = body }
    }

    mutating func apply(_ body: AcceptBody) throws {
        guard body.accepted.number < number else {
            throw StateRule.notBefore(body.accepted.number)
        }
        guard body.accepted.number < number - 1 || body.accepted == before.position else {
            throw StateRule.otherPosition(number: body.accepted.number)
        }
    }

    // MARK: Keys

    /// Keys count from the next record on.
    mutating func apply(_ body: KeyBody) throws {
        let id = body.id
        try checkUsable(body.key)
        if let previous = record.previous {
            // A root key that this record brings does not sign for it.
            let root = before.head?.settings.rootKey ?? head.settings.rootKey
            let isSigned = PublicKey(known: root).isValid(
                body.rootSignature, for: body.bytesToSign(vault: head.vault, previous: previous))
            guard isSigned else { throw StateRule.keyNotByRoot(id) }
        }
        guard body.isAdmitted else {
            guard head.keys[id] != nil else { throw StateRule.unknownKey(id) }
            head.keys[id] = nil
            return
        }
        guard head.keys.count < Limits.keysMax || head.keys[id] != nil else {
            throw StateRule.tooManyKeys
        }
        head.keys[id] = CheckpointRoot.Key(
            body: body, number: number, previous: record.previous)
        state.knownKeys[id] = body.key
    }

    /// Where the root key before is lost, it is a new beginning: a person has to accept it in each
    /// home.
    mutating func apply(_ body: RekeyBody) throws {
        guard let previous = record.previous else {
            throw StateRule.firstRecord("brings its own root key")
        }
        let id = KeyID(of: body.rootKey)
        try checkUsable(body.rootKey)
        let signed = body.bytesToSign(vault: head.vault, previous: previous)
        let isAllowed =
            body.reason == .lost
            ? state.view.acceptedRoots.contains(id)
            : PublicKey(known: head.settings.rootKey).isValid(body.oldSignature, for: signed)
        guard isAllowed, PublicKey(known: body.rootKey).isValid(body.newSignature, for: signed)
        else { throw StateRule.rekeyNotByRoot(id) }
        head.settings.rootKey = body.rootKey
        state.knownKeys[id] = body.rootKey
    }

    func checkUsable(_ key: PublicKeyBytes) throws {
        do throws(SealError) {
            _ = try PublicKey(key)
        } catch {
            throw StateRule.unusableKey(KeyID(of: key))
        }
    }
}
