import KuraFormat
import KuraIO
import KuraLog
import KuraSeal
import TestSupport

/// A log in the making: signs records as one home would, and folds them.
struct StateWorld {
    var state = VaultState()
    var records: [LogRecord.Encoded] = []
    let root: SigningKey
    let home: SigningKey
    let region = UniqueID(high: 1, low: 1)
    let pair = UniqueID(high: 2, low: 2)
    private var random: SeededGenerator

    static let replicas = (1...6).map { UniqueID(high: 9, low: $0) }

    /// - Parameter extra: bodies of record 1 behind settings, members and the key of the home.
    init(seed: UInt64 = 1, hasPair: Bool = false, extra: [LogBody] = []) throws {
        random = SeededGenerator(seed: seed)
        root = try SigningKey(seed: random.bytes(32))
        home = try SigningKey(seed: random.bytes(32))
        let settings = settings(hasPair: hasPair)
        try commit(
            [
                .vault(settings),
                .members(MembersBody(region: region, replicas: Array(Self.replicas[..<3]))),
                .key(KeyBody(key: home.publicKey.stored, rights: .all, name: "home")),
            ] + extra, by: root)
    }

    func settings(hasPair: Bool = false, name: String = "vault") -> VaultBody {
        VaultBody(
            requiredFeatures: [Feature.log, Feature.sha256], name: name, region: region,
            pair: hasPair ? pair : nil, redundancy: hasPair ? .grs : .lrs, copies: 3,
            minCopies: 2, chunker: .gearTail, chunkBytesMean: 32768,
            rootKey: root.publicKey.stored, macKey: nil)
    }

    var vault: UniqueID { state.vault! }

    /// A record as the next one, signed.
    mutating func record(
        _ bodies: [LogBody], by key: SigningKey? = nil, epoch: UInt64? = nil
    ) throws -> LogRecord.Encoded {
        let key = key ?? home
        let record = LogRecord(
            vault: state.vault, number: (state.position?.number ?? 0) + 1,
            previous: state.position?.digest, epoch: epoch ?? state.epoch, time: 7,
            salt: SHA256.digest(random.bytes(32)), surface: .library, actor: "a@b",
            operation: "Test", bodies: bodies)
        let content = record.content(signer: key.id)
        return try LogRecord.encoded(
            content: content, signature: key.sign(LogRecord.bytesToSign(content: content)))
    }

    mutating func commit(
        _ bodies: [LogBody], by key: SigningKey? = nil, epoch: UInt64? = nil
    ) throws {
        let record = try record(bodies, by: key, epoch: epoch)
        try state.apply(record)
        records.append(record)
    }

    /// The rule that the next record with these bodies breaks; nil where it breaks none. The state
    /// must be the same afterwards.
    mutating func rule(
        _ bodies: [LogBody], by key: SigningKey? = nil, epoch: UInt64? = nil
    ) throws -> StateRule? {
        let record = try record(bodies, by: key, epoch: epoch)
        return Self.rule(record, on: state)
    }

    static func rule(_ record: LogRecord.Encoded, on state: VaultState) -> StateRule? {
        var next = state
        do throws(KuraError) {
            try next.apply(record)
            return nil
        } catch {
            return (error.cause as? Refusal)?.rule
        }
    }

    func point(
        _ item: String, _ sequence: UInt64, time: Int64 = 0, tags: [String] = [],
        original: RecoveryPointID? = nil
    ) throws -> PointBody {
        let point = RecoveryPoint(
            vault: vault, item: item, sequence: sequence, time: time,
            consistency: .crashConsistent, parent: nil, storedBytes: 5, tags: tags,
            disks: [
                DiskRecord(
                    name: "disk", root: nil, counts: DiskCounts(), changedWhileRead: false,
                    source: "")
            ], runs: [])
        return try PointBody(bytes: point.encoded(), original: original)
    }

    /// A key body that the root key signed for the next record.
    func key(
        _ key: SigningKey, _ rights: KeyBody.Rights, isAdmitted: Bool = true,
        by root: SigningKey? = nil
    ) -> LogBody {
        var body = KeyBody(
            key: key.publicKey.stored, rights: rights, isAdmitted: isAdmitted, name: "other")
        let signed = body.bytesToSign(vault: vault, previous: state.position!.digest)
        body.rootSignature = (root ?? self.root).sign(signed)
        return .key(body)
    }

    func rekey(
        _ new: SigningKey, by old: SigningKey? = nil, reason: RekeyBody.Reason = .planned
    ) -> LogBody {
        var body = RekeyBody(rootKey: new.publicKey.stored, reason: reason)
        let signed = body.bytesToSign(vault: vault, previous: state.position!.digest)
        if reason != .lost { body.oldSignature = (old ?? root).sign(signed) }
        body.newSignature = new.sign(signed)
        return .rekey(body)
    }

    static func run(_ name: String) -> RunsBody.Run {
        RunsBody.Run(id: digest(name), byteCount: 8192, entries: 3, packs: 2)
    }

    static func runs(_ added: [String], superseded: [String] = []) -> LogBody {
        .runs(
            RunsBody(
                added: added.map { run($0) }.sorted { $0.id < $1.id },
                superseded: superseded.map { digest($0) }.sorted()))
    }

    static func digest(_ text: String) -> Digest { SHA256.digest(Array(text.utf8)) }

    static func packs(_ names: String...) -> [PackID] { names.map { digest($0) }.sorted() }

    static func drop(_ points: RecoveryPointID..., time: Int64 = 3) -> LogBody {
        .drop(DropBody(points: points.sorted(), time: time, reason: "old"))
    }
}
