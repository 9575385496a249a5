import KuraFormat

extension HostileDecoder {
    /// Records with a seal.
    static let records: [HostileDecoder] = [
        record("replica", .replica) { bytes in
            let record = try ReplicaRecord.decode(bytes)
            // Version 1 is read, but never written.
            return bytes[8] < 2 ? nil : record.encoded()
        },
        record("vault", .vault) { bytes in
            let record = try VaultRecord.decode(bytes)
            _ = (record.activeRegion, record.passiveRegion, record.revisionAfterFailover)
            // Versions 1 and 2 are read, but never written.
            return bytes[8] < 3 ? nil : record.encoded()
        },
        record("recovery-point", .recoveryPoint) { bytes in
            let point = try RecoveryPoint.decode(bytes).point
            _ = point.counts
            for disk in point.disks { _ = ManifestNode.rootLevel(diskBytes: disk.byteCount) }
            return point.encoded()
        },
        record("session", .session) { try SessionRecord.decode($0).encoded() },
        record("receipt", .receipt) { try DurabilityReceipt.decode($0).encoded() },
        record("repair", .repair) { try RepairRecord.decode($0).record.encoded() },
        record("tombstone", .dropped) { try DroppedPoint.decode($0).encoded() },
        record("condemnation", .condemned) { try Condemnation.decode($0).encoded() },
        record("journal-entry", .journal) { try JournalEntry.decode($0).entry.encoded() },
        HostileDecoder("verification-memory", complete: completedVerification) {
            try VerificationRecord.decode($0).encoded()
        },
    ]

    static func record(
        _ name: String, _ structure: Structure,
        _ recode: @escaping @Sendable ([UInt8]) throws -> [UInt8]?
    ) -> HostileDecoder {
        HostileDecoder(name, complete: { sealed($0, structure) }, recode: recode)
    }

    /// The record with the length and seal of its body. What is no record becomes the body of one.
    private static func sealed(_ input: [UInt8], _ structure: Structure) -> [UInt8] {
        let magic = SealedRecord.magic(structure)
        let isWhole = input.count >= SealedRecord.overheadBytes && input.starts(with: magic)
        let body = isWhole ? Array(input[16..<(input.count - Digest.byteCount)]) : input
        let known = SealedRecord.versions(structure)
        let version: UInt16 = isWhole ? input.integer(at: 8) : known.upperBound
        var writer = ByteWriter(reserving: body.count + SealedRecord.overheadBytes)
        writer.append(magic)
        writer.integer(known ~= version ? version : known.upperBound)
        writer.zeros(2)
        writer.integer(UInt32(body.count))
        writer.append(body)
        writer.digest(SHA256.digest(writer.bytes))
        return writer.bytes
    }

    /// With the count and seal of as many whole entries as there are, in ascending order.
    private static func completedVerification(_ input: [UInt8]) -> [UInt8]? {
        let (header, entry) = (40, Digest.byteCount + 8)
        guard input.count >= header else { return nil }
        let count = (input.count - header) / entry
        var bytes = Array("KURAVERI".utf8) + [1, 0, input[10] % 3, 0, 0, 0, 0, 0] + input[16..<32]
        let entries = (0..<count).map { header + $0 * entry }
            .map { Array(input[$0..<($0 + entry)]) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        var writer = ByteWriter(reserving: input.count)
        writer.append(bytes)
        writer.integer(UInt64(count))
        for entry in entries { writer.append(entry) }
        bytes = writer.bytes
        writer.digest(SHA256.digest(bytes))
        return writer.bytes
    }
}
