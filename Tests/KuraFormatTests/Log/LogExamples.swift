import KuraFormat
import TestSupport

extension Example {
    static func publicKey(_ text: String) -> PublicKeyBytes {
        var writer = ByteWriter()
        writer.digest(digest(text))
        return PublicKeyBytes(writer.bytes)!
    }

    static let signer = KeyID(of: publicKey("home"))
    static let signature = [UInt8](repeating: 0xa5, count: Signature.byteCount)

    static let vaultBody = VaultBody(
        requiredFeatures: [Feature.log, Feature.sha256, Feature.zstd], name: "Servers",
        region: region, pair: UniqueID(high: 3, low: 4), redundancy: .grs, copies: 3, minCopies: 2,
        chunker: .gearTail, chunkBytesMean: 32768, rootKey: publicKey("root"),
        macKey: MACKey(digest("key")))

    /// One body of each type, but for the vault's, and two that are unknown.
    static let bodies: [LogBody] = [
        .members(MembersBody(region: region, replicas: [vault, UniqueID(high: 5, low: 6)])),
        .point(pointBody),
        .runs(
            RunsBody(
                added: [RunsBody.Run(id: digest("run"), byteCount: 8544, entries: 1, packs: 2)],
                superseded: [digest("run 0")])),
        .drop(DropBody(points: [digest("point")], time: 3, reason: "expired")),
        .undrop(UndropBody(points: [digest("point")], reason: "a mistake")),
        .forget(ForgetBody(points: [digest("point")])),
        .hold(HoldBody(points: [digest("point")], name: "case 7", reason: "court")),
        .release(ReleaseBody(points: [digest("point")], name: "case 7")),
        .condemn(CondemnBody(packs: [digest("a"), digest("b")].sorted())),
        .spare(SpareBody(packs: [digest("a")])),
        .sweep(SweepBody(condemned: 3, packs: [digest("b")])),
        .deleted(DeletedBody(sweeps: [4, 9])),
        .setting(SettingBody(subject: "item/web", before: "", after: "{}")),
        .lost(
            LostBody(
                objects: [.init(.pack, digest("a")), .init(.run, digest("run"))], reason: "fire")),
        .key(
            KeyBody(
                key: publicKey("home"), rights: [.write, .prune], rootSignature: signature,
                name: "office")),
        .failover(
            FailoverBody(region: region, branch: LogPosition(number: 7, digest: digest("7")))),
        .adoption(
            AdoptionBody(
                tip: LogPosition(number: 9, digest: digest("9")), first: 8,
                refusedSettings: ["policy/gold"])),
        .checkpoint(CheckpointBody(number: 5, root: digest("root"))),
        .rekey(
            RekeyBody(
                rootKey: publicKey("root 2"), reason: .exposed, oldSignature: signature,
                newSignature: signature)),
        .accept(
            AcceptBody(
                accepted: LogPosition(number: 5, digest: digest("5")), reason: "restored")),
        .unknown(
            UnknownBody(type: 4711, mustUnderstand: true, open: [1, 2], hidden: [])!),
        .unknown(UnknownBody(type: 22, mustUnderstand: false, open: [], hidden: [3])!),
    ]

    static let pointBody: PointBody = {
        do {
            return try PointBody(bytes: point.encoded(), original: digest("original"))
        } catch {
            preconditionFailure("the example is no point: \(error)")
        }
    }()

    static let firstRecord = LogRecord(
        vault: nil, number: 1, previous: nil, epoch: 0, time: 7, salt: digest("salt"),
        surface: .commandLine, actor: "root@host", operation: "CreateVault", note: "",
        bodies: [
            .vault(vaultBody), .members(MembersBody(region: region, replicas: [vault])),
            .key(KeyBody(key: publicKey("home"), rights: .all, name: "office")),
        ])

    static let record = LogRecord(
        vault: vault, number: 7, previous: digest("6"), epoch: 1, time: -7, salt: digest("salt 7"),
        surface: .server, actor: "eve@host", operation: "Everything", note: "蔵", bodies: bodies)

    /// With no real signature: this module checks none.
    static func encoded(_ record: LogRecord) throws(FormatError) -> LogRecord.Encoded {
        try LogRecord.encoded(content: record.content(signer: signer), signature: signature)
    }

    static func decided(_ record: LogRecord) throws(FormatError) -> DecidedRecord {
        DecidedRecord(
            record: try encoded(record), decider: KeyID(of: publicKey("other")),
            signature: signature)
    }

    /// A chain from record `first` on.
    static func chain(from first: UInt64, count: Int) throws(FormatError) -> [DecidedRecord] {
        var chain: [DecidedRecord] = []
        for index in 0..<count {
            var record = LogRecord(
                vault: vault, number: first + UInt64(index), previous: digest("before"), epoch: 0,
                time: 0, salt: digest("salt \(index)"), surface: .library, actor: "a",
                operation: "b", bodies: [.checkpoint(CheckpointBody(number: 1, root: digest("")))])
            if record.number == 1 {
                record = firstRecord
            } else if let last = chain.last {
                record.previous = last.record.digest
                record.vault = last.record.vault
            }
            chain.append(try decided(record))
        }
        return chain
    }
}

extension SeededGenerator {
    mutating func publicKey() -> PublicKeyBytes { PublicKeyBytes(bytes(32))! }

    mutating func signature() -> [UInt8] { bytes(Signature.byteCount) }

    mutating func number() -> UInt64 { .random(in: 1...Limits.sequenceMax, using: &self) }

    /// At least one, ascending, none twice.
    mutating func someDigests(max: Int) -> [Digest] {
        (0...Int.random(in: 0..<max, using: &self)).map { _ in digest() }.sorted()
    }

    mutating func position() -> LogPosition { LogPosition(number: number(), digest: digest()) }

    mutating func logRecord() throws(FormatError) -> LogRecord {
        let isFirst = Int.random(in: 0..<4, using: &self) == 0
        var bodies: [LogBody] = isFirst ? [.vault(vaultBody())] : []
        for _ in 0...Int.random(in: 0..<6, using: &self) { bodies.append(try logBody(isFirst)) }
        return LogRecord(
            vault: isFirst ? nil : uniqueID(), number: isFirst ? 1 : max(2, number()),
            previous: isFirst ? nil : digest(), epoch: next(),
            time: .random(in: .min ... .max, using: &self), salt: digest(),
            surface: LogRecord.Surface.allCases.randomElement(using: &self)!, actor: name(),
            operation: name(), note: text(max: 100), bodies: bodies)
    }

    mutating func vaultBody() -> VaultBody {
        VaultBody(
            requiredFeatures: [Feature.log, Feature.zstd].shuffled(using: &self),
            optionalFeatures: texts(max: 4), name: name(), region: uniqueID(),
            pair: Bool.random(using: &self) ? uniqueID() : nil,
            redundancy: Redundancy.allCases.randomElement(using: &self)!, copies: 3,
            minCopies: .random(in: 1...3, using: &self),
            chunker: ChunkerKind.allCases.randomElement(using: &self)!, chunkBytesMean: 8192,
            state: VaultBody.State.allCases.randomElement(using: &self)!, rootKey: publicKey(),
            macKey: Bool.random(using: &self) ? MACKey(digest()) : nil)
    }

    mutating func keyBody(isFirst: Bool) -> KeyBody {
        KeyBody(
            key: publicKey(), rights: KeyBody.Rights(rawValue: UInt32(next() & 15)),
            isAdmitted: .random(using: &self),
            rootSignature: isFirst ? Signature.none : signature(), name: text(max: 100))
    }

    mutating func logBody(_ isFirst: Bool) throws(FormatError) -> LogBody {
        switch Int.random(in: 0..<22, using: &self) {
        case 0: return .vault(vaultBody())
        case 1:
            let replicas = (0...Int.random(in: 0..<3, using: &self)).map { _ in uniqueID() }
            return .members(MembersBody(region: uniqueID(), replicas: replicas))
        case 2:
            var point = Example.point
            point.item = name()
            point.sequence = number()
            return .point(
                try PointBody(
                    bytes: point.encoded(), original: Bool.random(using: &self) ? digest() : nil))
        case 3:
            let runs = someDigests(max: 4).map { id in
                RunsBody.Run(
                    id: id, byteCount: next(), entries: next(), packs: UInt32(next() & 0xffff))
            }
            return .runs(RunsBody(added: runs, superseded: someDigests(max: 3)))
        case 4:
            return .drop(
                DropBody(
                    points: someDigests(max: 5), time: .random(in: .min ... .max, using: &self),
                    reason: text(max: 100)))
        case 5: return .undrop(UndropBody(points: someDigests(max: 5), reason: text(max: 100)))
        case 6: return .forget(ForgetBody(points: someDigests(max: 5)))
        case 7:
            return .hold(
                HoldBody(points: someDigests(max: 5), name: name(), reason: text(max: 100)))
        case 8: return .release(ReleaseBody(points: someDigests(max: 5), name: name()))
        case 9: return .condemn(CondemnBody(packs: someDigests(max: 9)))
        case 10: return .spare(SpareBody(packs: someDigests(max: 9)))
        default: return laterLogBody(isFirst)
        }
    }

    private mutating func laterLogBody(_ isFirst: Bool) -> LogBody {
        switch Int.random(in: 0..<11, using: &self) {
        case 0: .sweep(SweepBody(condemned: number(), packs: someDigests(max: 9)))
        case 1: .deleted(DeletedBody(sweeps: [number() / 2, Limits.sequenceMax]))
        case 2: .setting(SettingBody(subject: name(), before: text(max: 99), after: text(max: 99)))
        case 3:
            .lost(
                LostBody(
                    objects: someDigests(max: 3).map { .init(.pack, $0) }
                        + someDigests(max: 3).map { .init(.point, $0) }, reason: text(max: 100)))
        case 4: .key(keyBody(isFirst: isFirst))
        case 5: .failover(FailoverBody(region: uniqueID(), branch: position()))
        case 6:
            .adoption(
                AdoptionBody(
                    tip: LogPosition(number: Limits.sequenceMax, digest: digest()),
                    first: number(), refusedSettings: texts(max: 3)))
        case 7: .checkpoint(CheckpointBody(number: number(), root: digest()))
        case 8:
            .rekey(
                RekeyBody(
                    rootKey: publicKey(), reason: .planned, oldSignature: signature(),
                    newSignature: signature()))
        case 9: .accept(AcceptBody(accepted: position(), reason: text(max: 100)))
        default:
            .unknown(
                UnknownBody(
                    type: .random(in: 22 ... .max, using: &self),
                    mustUnderstand: .random(using: &self), open: bytes(Int(next() & 63)),
                    hidden: bytes(Int(next() & 63)))!)
        }
    }
}
