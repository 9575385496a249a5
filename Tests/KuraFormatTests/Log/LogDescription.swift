import KuraFormat

/// A structure of the log in the lines of a vector: `KEY: VALUE`, fields split by bars.
enum LogDescription {
    static func lines(_ encoded: LogRecord.Encoded) -> [(String, String)] {
        let record = encoded.record
        var lines: [(String, String)] = [
            ("vault", record.vault?.hex ?? "-"), ("number", "\(record.number)"),
            ("previous", record.previous?.hex ?? "-"), ("epoch", "\(record.epoch)"),
            ("time", "\(record.time)"), ("salt", record.salt.hex),
            ("surface", "\(record.surface.rawValue)"), ("actor", record.actor),
            ("operation", record.operation), ("note", record.note.isEmpty ? "-" : record.note),
        ]
        lines += record.bodies.map { ("body", body($0)) }
        lines += [
            ("signer", encoded.signer.hex), ("signature", hex(encoded.signature)),
            ("digest", encoded.digest.hex),
        ]
        return lines
    }

    static func body(_ body: LogBody) -> String {
        switch body {
        case .vault(let body): vault(body)
        case .members(let body): members(body)
        case .point(let body):
            join(
                "point", "id \(body.id)", "bytes \(body.bytes.count)", "item \(body.point.item)",
                "sequence \(body.point.sequence)", "original \(body.original?.hex ?? "-")")
        case .runs(let body):
            join(
                "runs",
                "added "
                    + body.added.map { "\($0.id) \($0.byteCount) \($0.entries) \($0.packs)" }
                    .joined(separator: ","), names("superseded", body.superseded))
        case .drop(let body):
            join(
                "drop", names("points", body.points), "time \(body.time)",
                field("reason", body.reason))
        case .undrop(let body):
            join("undrop", names("points", body.points), field("reason", body.reason))
        case .forget(let body): join("forget", names("points", body.points))
        case .hold(let body):
            join(
                "hold", names("points", body.points), field("name", body.name),
                field("reason", body.reason))
        case .release(let body):
            join("release", names("points", body.points), field("name", body.name))
        case .condemn(let body): join("condemn", names("packs", body.packs))
        case .spare(let body): join("spare", names("packs", body.packs))
        case .sweep(let body):
            join("sweep", names("packs", body.packs), "condemned \(body.condemned)")
        default: later(body)
        }
    }

    private static func later(_ body: LogBody) -> String {
        switch body {
        case .deleted(let body):
            join("deleted", "sweeps " + body.sweeps.map(String.init).joined(separator: ","))
        case .setting(let body):
            join(
                "setting", field("subject", body.subject), field("before", body.before),
                field("after", body.after))
        case .lost(let body):
            join(
                "lost",
                "objects "
                    + body.objects.map { "\($0.kind.rawValue):\($0.name)" }
                    .joined(separator: ","), field("reason", body.reason))
        case .key(let body): key(body)
        case .failover(let body):
            join("failover", "region \(body.region)", position("branch", body.branch))
        case .adoption(let body):
            join(
                "adoption", position("tip", body.tip), "first \(body.first)",
                field("refused", body.refusedSettings.joined(separator: ",")))
        case .checkpoint(let body):
            join("checkpoint", "number \(body.number)", "root \(body.root)")
        case .rekey(let body):
            join(
                "rekey", "root-key \(hex(body.rootKey.bytes))", "reason \(body.reason.rawValue)",
                "old-signature \(hex(body.oldSignature))",
                "new-signature \(hex(body.newSignature))")
        case .accept(let body):
            join("accept", position("accepted", body.accepted), field("reason", body.reason))
        case .unknown(let body):
            join(
                "unknown", "type \(body.type)", "must-understand \(body.mustUnderstand ? 1 : 0)",
                field("public", hex(body.open)), field("private", hex(body.hidden)))
        default: "described above"
        }
    }

    static func vault(_ body: VaultBody) -> String {
        join(
            "vault", field("required", body.requiredFeatures.joined(separator: ",")),
            field("optional", body.optionalFeatures.joined(separator: ",")),
            field("name", body.name), "region \(body.region)", "pair \(body.pair?.hex ?? "-")",
            "redundancy \(body.redundancy.rawValue)", "copies \(body.copies)",
            "min-copies \(body.minCopies)", "chunker \(body.chunker.rawValue)",
            "mean \(body.chunkBytesMean)", "state \(body.state.rawValue)",
            "root-key \(hex(body.rootKey.bytes))", "mac-key \(body.macKey?.bytes.hex ?? "-")")
    }

    static func members(_ body: MembersBody) -> String {
        join(
            "members", "region \(body.region)",
            "replicas " + body.replicas.map(\.hex).joined(separator: ","))
    }

    static func key(_ body: KeyBody) -> String {
        join(
            "key", "id \(body.id)", "public \(hex(body.key.bytes))",
            "rights \(body.rights.rawValue)", "admitted \(body.isAdmitted ? 1 : 0)",
            "root-signature \(hex(body.rootSignature))", field("name", body.name))
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func join(_ fields: String...) -> String { fields.joined(separator: " | ") }

    private static func field(_ name: String, _ value: String) -> String {
        "\(name) \(value.isEmpty ? "-" : value)"
    }

    private static func names(_ name: String, _ digests: [Digest]) -> String {
        field(name, digests.map(\.hex).joined(separator: ","))
    }

    private static func position(_ name: String, _ position: LogPosition) -> String {
        "\(name) \(position.number) \(position.digest)"
    }
}
