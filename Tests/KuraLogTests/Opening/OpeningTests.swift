import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import KuraSeal
import TestSupport
import Testing

/// A vault in three stores in memory, with real keys.
private struct LoggedWorld {
    let stores: [any Store]
    let vault: UniqueID
    let region = UniqueID(high: 1, low: 1)
    let root: SigningKey
    let home: SigningKey

    init() throws {
        let (root, home) = (try SigningKey.random(), try SigningKey.random())
        (self.root, self.home) = (root, home)
        stores = (0..<3).map { MemoryStore("memory-\($0)") }
        let ids = try stores.map { store -> UniqueID in
            try store.create()
            try store.prepare(StoreFolder("vaults"))
            let id = UniqueID.random()
            try World.setIdentity(id, of: store)
            return id
        }
        let settings = VaultBody(
            requiredFeatures: [Feature.log], name: "vault", region: region, redundancy: .lrs,
            copies: 3, minCopies: 2, chunker: .gearTail, chunkBytesMean: 1 << 15,
            rootKey: root.publicKey.stored, macKey: nil)
        let created = try LogCreation(signer: root, verifier: SealVerifier(), .plain).create(
            World.draft(
                "create",
                [
                    .vault(settings), .members(MembersBody(region: region, replicas: ids)),
                    .key(KeyBody(key: home.publicKey.stored, rights: .all, name: "home")),
                ]), in: stores, required: 3, session: .random(),
            prepare: { store, vault throws(IOError) in try store.prepare(vault: vault) })
        vault = created.seal.vault
    }

    func open(_ stores: [any Store]? = nil, signing key: SigningKey? = nil) throws
        -> VaultLog<VaultState>
    {
        try VaultLog.open(
            LogSeal(vault: vault, signer: key ?? home, verifier: SealVerifier()),
            view: VaultState.View(region: region), in: stores ?? self.stores, objects: NoObjects(),
            surroundings: .plain, session: .random())
    }

    private struct NoObjects: LogObjects {
        func copy(
            neededBy state: VaultState, to replica: LogReplica, from others: [LogReplica]
        ) throws(KuraError) -> Bool { true }
    }

    static func record(_ bodies: [LogBody], after tip: LogTip<VaultState>) -> LogRecord {
        LogRecord(
            vault: tip.state.vault, number: tip.position.number + 1,
            previous: tip.position.digest, epoch: tip.state.epoch, time: 0,
            salt: Digest(words: (0, 0, 0, 0)), surface: .library, actor: "a@b",
            operation: "test", bodies: bodies)
    }

    /// Commits settings until a log has so many records.
    func grow(_ log: VaultLog<VaultState>, to number: UInt64) throws {
        while log.tip.position.number < number {
            _ = try log.commit { tip throws(KuraError) in
                let setting = SettingBody(
                    subject: "s\(tip.position.number)", before: "", after: "1")
                return Proposal(Self.record([.setting(setting)], after: tip), required: 2)
            }
        }
    }

    func checkpoint(_ log: VaultLog<VaultState>) throws -> Bool {
        let tip = log.tip
        return try log.writeCheckpoint { Self.record([.checkpoint($0)], after: tip) }
    }
}

@Suite("Opening a log") struct OpeningTests {
    @Test("A log without a checkpoint is read from record 1")
    func fromTheStart() throws {
        let world = try LoggedWorld()
        let log = try world.open()
        #expect(log.tip.position.number == 1)
        #expect(log.tip.state.vaultSettings?.name == "vault")
        try world.grow(log, to: 5)
        #expect(try world.open().tip.position == log.tip.position)
    }

    @Test("A long log is read from its checkpoint, and says the same")
    func fromACheckpoint() throws {
        let world = try LoggedWorld()
        let log = try world.open()
        try world.grow(log, to: VaultState.tailMin)
        #expect(try !world.checkpoint(log))
        try world.grow(log, to: VaultState.tailMin + 1)
        #expect(try world.checkpoint(log))
        try world.grow(log, to: VaultState.tailMin + 5)
        let opened = try world.open()
        #expect(opened.tip.position == log.tip.position)
        #expect(opened.tip.state.isOriginNamed)
        #expect(try opened.tip.state.settings().count == log.tip.state.settings().count)
        // Records before the checkpoint are not needed.
        for store in world.stores { try store.delete([LogNames(world.vault).log(50)]) }
        #expect(try world.open().tip.position == log.tip.position)
    }

    @Test("A hint to a checkpoint that no record names is passed over")
    func unnamedCheckpoint() throws {
        let world = try LoggedWorld()
        let log = try world.open()
        try world.grow(log, to: 5)
        let checkpoint = try log.tip.state.makeCheckpoint()
        let names = LogNames(world.vault)
        let hint = CheckpointHint(vault: world.vault, checkpoint: checkpoint.body)
        for store in world.stores {
            for folder in [names.checkpoints, names.pages] { try store.prepare(folder) }
            try store.put(
                names.root(of: checkpoint.body), checkpoint.root, condition: .replacing,
                by: .random())
            for (name, bytes) in checkpoint.pages {
                try store.put(names.page(name), bytes, condition: .replacing, by: .random())
            }
            try store.put(names.hint, hint.encoded(), condition: .replacing, by: .random())
        }
        try world.grow(log, to: 7)
        let opened = try world.open()
        #expect(opened.tip.position == log.tip.position)
        #expect(!opened.tip.state.isOriginNamed)
    }

    @Test("A checkpoint with a key that the root key did not admit is passed over")
    func forgedKeys() throws {
        let world = try LoggedWorld()
        let log = try world.open()
        try world.grow(log, to: VaultState.tailMin + 2)
        #expect(try world.checkpoint(log))
        // A state with one more key, as a stranger would make it.
        let stranger = try SigningKey.random()
        let names = LogNames(world.vault)
        let hint = try CheckpointHint.decode(world.stores[0].contents(names.hint, max: 1 << 20))
        let (honest, _) = try CheckpointRoot.decode(
            world.stores[0].contents(names.root(of: hint.checkpoint), max: 1 << 20))
        var forged = honest
        forged.keys.append(
            CheckpointRoot.Key(
                body: KeyBody(key: stranger.publicKey.stored, rights: .all, name: "stranger"),
                number: 2, previous: honest.position.digest))
        forged.keys.sort { $0.body.id.hex < $1.body.id.hex }
        let (bytes, name) = forged.encoded()
        let body = CheckpointBody(number: hint.checkpoint.number, root: name)
        for store in world.stores {
            try store.put(names.root(of: body), bytes, condition: .replacing, by: .random())
            try store.put(
                names.hint, CheckpointHint(vault: world.vault, checkpoint: body).encoded(),
                condition: .replacing, by: .random())
        }
        let opened = try world.open()
        #expect(opened.tip.position == log.tip.position)
        #expect(!opened.tip.state.keys.contains { $0.body.id == stranger.id })
    }

    @Test("A vault whose log is nowhere is absent, not empty")
    func nothing() throws {
        let world = try LoggedWorld()
        for store in world.stores { try store.delete([LogNames(world.vault).log(1)]) }
        let error = #expect(throws: KuraError.self) { try world.open() }
        #expect(error?.code == .absent)
    }

    @Test("What readers would refuse is refused before it is proposed")
    func refusal() throws {
        let world = try LoggedWorld()
        let log = try world.open()
        let before = log.tip.position
        let error = #expect(throws: KuraError.self) {
            try log.commit { tip throws(KuraError) in
                let setting = SettingBody(subject: "a", before: "wrong", after: "1")
                return Proposal(
                    LoggedWorld.record([.setting(setting)], after: tip), required: 2)
            }
        }
        #expect((error?.cause as? Refusal)?.rule == .settingDiffers(subject: "a"))
        #expect(try world.open().tip.position == before)
        let votes = try world.stores[0].namesIfPresent(in: LogNames(world.vault).votes)
        #expect(votes.isEmpty)
    }
}
