import KuraFormat
import TestSupport
import Testing

/// The vectors of Tests/Vectors were written by a program that shares no code with this one.
/// Their signatures are real ones; this module looks at structure alone and cannot check them.
@Suite("Vectors of format 2") struct LogVectorTests {
    private static let home = "24f6ed6acbfe1009c030d7ca567c33ca"

    @Test(
        "have the log records of the code",
        arguments: ["log-record-1", "log-record-2", "log-record-small"])
    func records(_ name: String) throws {
        let vector = try Specification.vectorFile(name)
        let bytes = try vector.bytes()
        let decoded = try LogRecord.decode(bytes)
        expect(vector, LogDescription.lines(decoded))
        let content = decoded.record.content(signer: decoded.signer)
        #expect(content + decoded.signature == bytes)
    }

    @Test("have a first record whose digest is the vault's id, signed by its root key")
    func firstRecord() throws {
        let first = try LogRecord.decode(try Specification.vectorFile("log-record-1").bytes())
        guard case .vault(let vault) = first.record.bodies[0],
            case .key(let key) = first.record.bodies[2]
        else {
            Issue.record("other bodies")
            return
        }
        #expect(KeyID(of: vault.rootKey) == first.signer)
        #expect(key.id.hex == Self.home)
        let second = try LogRecord.decode(try Specification.vectorFile("log-record-2").bytes())
        #expect(second.record.previous == first.digest && second.vault == first.vault)
    }

    @Test("have the decided record of the code") func decided() throws {
        let vector = try Specification.vectorFile("decided-record")
        let decided = try DecidedRecord.decode(vector.bytes())
        #expect(try decided.encoded() == vector.bytes())
        expect(
            vector,
            [
                ("record", decided.record.digest.hex), ("decider", decided.decider.hex),
                ("signature", LogDescription.hex(decided.signature)),
            ])
    }

    @Test("have the votes of the code", arguments: ["vote-record", "vote-first", "vote-blank"])
    func votes(_ name: String) throws {
        let vector = try Specification.vectorFile(name)
        let vote = try Vote.decode(vector.bytes())
        #expect(try vote.encoded() == vector.bytes())
        expect(
            vector,
            [
                ("vault", vote.vault.hex), ("number", "\(vote.number)"),
                ("ballot", "\(vote.ballot)"), ("record", vote.record?.digest.hex ?? "-"),
                ("signer", vote.signer.hex), ("replica", try vector.one("replica")),
                ("signature", LogDescription.hex(vote.signature)),
            ])
    }

    @Test("have the claim of the code") func claim() throws {
        let vector = try Specification.vectorFile("claim")
        let claim = try Claim.decode(vector.bytes())
        #expect(try claim.encoded() == vector.bytes())
        expect(
            vector,
            [
                ("vault", claim.vault.hex), ("number", "\(claim.number)"),
                ("ballot", "\(claim.ballot)"), ("attempt", claim.attempt.hex),
                ("signer", claim.signer.hex), ("replica", try vector.one("replica")),
                ("signature", LogDescription.hex(claim.signature)),
            ])
    }

    @Test("have the segment of the code: its records follow a rule") func segment() throws {
        let vector = try Specification.vectorFile("segment")
        let signature = [UInt8](repeating: 0xa5, count: Signature.byteCount)
        let signer = try #require(KeyID(hex: Self.home))
        let first = try LogRecord.decode(try Specification.vectorFile("log-record-1").bytes())
        let root = try #require(Digest(hex: vector.one("root")))
        var records = [first]
        for number in 2...UInt64(Limits.segmentRecordsMax) {
            let record = LogRecord(
                vault: first.vault, number: number, previous: records.last?.digest, epoch: 0,
                time: 1_700_000_000_000_000_000 + Int64(number),
                salt: Example.digest("salt \(number)"), surface: .library, actor: "root@host-1",
                operation: "Checkpoint",
                bodies: [.checkpoint(CheckpointBody(number: 1, root: root))])
            records.append(
                try LogRecord.encoded(
                    content: record.content(signer: signer), signature: signature))
        }
        let segment = try Segment(
            records.map { DecidedRecord(record: $0, decider: signer, signature: signature) })
        let bytes = segment.encoded()
        let table = try Segment.Table.decode(Array(bytes[..<Segment.Table.byteCount]))
        expect(
            vector,
            [
                ("first", "\(segment.first)"), ("file-length", "\(bytes.count)"),
                ("file-sha256", SHA256.digest(bytes).hex), ("length-1", "\(table.lengths[0])"),
                ("length-2", "\(table.lengths[1])"), ("last", records[1023].digest.hex),
                ("root", root.hex),
            ])
    }

    @Test("have the mark of the code") func mark() throws {
        let vector = try Specification.vectorFile("whole-mark")
        let mark = try WholeMark.decode(vector.bytes())
        #expect(try mark.encoded() == vector.bytes())
        expect(
            vector,
            [
                ("vault", mark.vault.hex), ("replica", mark.replica.hex),
                ("number", "\(mark.position.number)"), ("record", mark.position.digest.hex),
                ("time", "\(mark.time)"), ("packs", "\(mark.packs)"),
                ("bytes", "\(mark.byteCount)"), ("signer", mark.signer.hex),
                ("signature", LogDescription.hex(mark.signature)),
            ])
    }

    @Test("have the pages of the code", arguments: ["state-page", "state-page-level-1"])
    func pages(_ file: String) throws {
        let vector = try Specification.vectorFile(file)
        let (page, name) = try StatePage.decode(vector.bytes())
        #expect(try page.encoded().bytes == vector.bytes())
        let entries =
            try page.level == 0
            ? page.entries.map {
                ("entry", "\(LogDescription.hex($0.key)) \(LogDescription.hex($0.value))")
            } : page.references().map { ("page", Self.line($0)) }
        expect(
            vector,
            [
                ("vault", page.vault.hex), ("kind", "\(page.kind.rawValue)"),
                ("level", "\(page.level)"),
            ] + entries + [("name", name.hex)])
    }

    @Test("have the root of a checkpoint of the code") func checkpoint() throws {
        let vector = try Specification.vectorFile("checkpoint")
        let (root, name) = try CheckpointRoot.decode(vector.bytes())
        #expect(try root.encoded().bytes == vector.bytes())
        var lines = [
            ("vault", root.vault.hex), ("number", "\(root.position.number)"),
            ("record", root.position.digest.hex), ("epoch", "\(root.epoch)"),
            ("active-region", root.activeRegion.hex),
            ("settings", LogDescription.vault(root.settings)),
        ]
        lines += root.members.map { ("members", LogDescription.members($0)) }
        lines += root.keys.map { key in
            (
                "key",
                LogDescription.key(key.body)
                    + " | number \(key.number) | previous \(key.previous?.hex ?? "-")"
            )
        }
        for pages in root.pages {
            lines += pages.pages.map {
                ("pages", "\(pages.kind.rawValue) \(pages.level) \(Self.line($0))")
            }
        }
        expect(vector, lines + [("name", name.hex)])
    }

    @Test("have the hint and the identity of the code") func small() throws {
        let hintVector = try Specification.vectorFile("hint")
        let hint = try CheckpointHint.decode(hintVector.bytes())
        #expect(try hint.encoded() == hintVector.bytes())
        expect(
            hintVector,
            [
                ("vault", hint.vault.hex), ("number", "\(hint.checkpoint.number)"),
                ("root", hint.checkpoint.root.hex),
            ])
        let vector = try Specification.vectorFile("vault-identity")
        let identity = try VaultIdentity.decode(vector.bytes())
        #expect(try identity.encoded() == vector.bytes())
        expect(
            vector,
            identity.requiredFeatures.map { ("required-feature", $0) }
                + identity.optionalFeatures.map { ("optional-feature", $0) }
                + [("id", identity.id.hex)])
    }

    private static func line(_ reference: StatePage.Reference) -> String {
        [
            LogDescription.hex(reference.firstKey), reference.page.hex, "\(reference.entries)",
            "\(reference.byteCount)",
        ].joined(separator: " ")
    }

    /// Expects that a vector has these lines and its bytes, and nothing else.
    private func expect(
        _ vector: SpecVector, _ lines: [(String, String)],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let found = vector.lines.filter { $0.key != "hex" }.map { "\($0.key): \($0.value)" }
        let expected = lines.map { "\($0.0): \($0.1)" }
        #expect(found == expected, sourceLocation: sourceLocation)
    }
}
