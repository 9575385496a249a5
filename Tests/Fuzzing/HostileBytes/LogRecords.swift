import KuraFormat

extension HostileDecoder {
    /// What stands in the log of a vault of format 2. Signatures are checked elsewhere.
    static let logs: [HostileDecoder] = [
        HostileDecoder("log-record", complete: completedRecord) { bytes in
            let decoded = try LogRecord.decode(bytes)
            _ = (decoded.vault, decoded.signedBytes, decoded.record.bodies.map(\.mustBeUnderstood))
            return decoded.record.content(signer: decoded.signer) + decoded.signature
        },
        HostileDecoder("decided-record", complete: completedDecision) { bytes in
            let decided = try DecidedRecord.decode(bytes)
            _ = decided.signedBytes
            return decided.encoded()
        },
        HostileDecoder("vote", complete: completedVote) { bytes in
            let vote = try Vote.decode(bytes)
            _ = vote.signedBytes(in: vote.vault)
            return vote.encoded()
        },
        HostileDecoder("claim", complete: completedClaim) { bytes in
            let claim = try Claim.decode(bytes)
            _ = claim.signedBytes(in: claim.vault)
            return claim.encoded()
        },
        HostileDecoder("segment", complete: completedTable, recode: readSegment),
        record("vault-identity", .vaultIdentity) { try VaultIdentity.decode($0).encoded() },
        record("whole-mark", .wholeMark) { bytes in
            let mark = try WholeMark.decode(bytes)
            _ = mark.signedBytes
            return mark.encoded()
        },
        record("checkpoint", .checkpoint) { try CheckpointRoot.decode($0).root.encoded().bytes },
        record("checkpoint-hint", .checkpointHint) { try CheckpointHint.decode($0).encoded() },
        record("state-page", .statePage) { bytes in
            let page = try StatePage.decode(bytes).page
            for entry in page.entries {
                _ = StatePage.ends(after: entry.key, kind: page.kind, level: page.level)
                try checkEntry(entry, of: page)
            }
            return page.encoded().bytes
        },
    ]

    /// Decodes an entry as its kind; what is accepted encodes to the same again.
    private static func checkEntry(_ entry: StatePage.Entry, of page: StatePage) throws {
        let again: StatePage.Entry
        do throws(FormatError) {
            switch (page.level, page.kind) {
            case (1..., _): return
            case (_, .points): again = try PointEntry(entry).entry
            case (_, .runs): again = try RunEntry(entry).entry
            case (_, .settings): again = try SettingEntry(entry).entry
            case (_, .packs): again = try PackEntry(entry).entry
            case (_, .lost): again = try LostEntry(entry).entry
            case (_, .segments): again = try SegmentEntry(entry).entry
            case (_, .branches): again = try BranchEntry(entry).entry
            case (_, .names):
                if NameEntry.copy(entry) != nil { return }
                again = try NameEntry(entry).entry
            }
        } catch {
            return
        }
        guard again == entry else { throw Finding("an entry of a page encodes to others") }
    }

    /// The first bytes as the table of a segment; and all of them as a segment, which they hardly
    /// ever are: it has 1024 records.
    private static func readSegment(_ bytes: [UInt8]) throws -> [UInt8]? {
        let table = try Segment.Table.decode(Array(bytes.prefix(Segment.Table.byteCount)))
        for number in [0, 1, table.first, table.first + 1023, table.first + 1024, .max] {
            if let range = table.range(of: number), range.upperBound > table.fileByteCount {
                throw Finding("a record ends behind its segment")
            }
        }
        do throws(FormatError) {
            return try Segment.decode(bytes).encoded()
        } catch {
            return nil
        }
    }

    /// A record with the header, links and lengths that belong to it.
    private static func completedRecord(_ input: [UInt8]) -> [UInt8]? {
        let (fixed, end) = (128, 80)
        guard input.count >= fixed + 4 + end else { return nil }
        var bytes = input
        bytes.replaceSubrange(0..<12, with: Array("KURALOGR".utf8) + [1, 0, 0, 0])
        bytes.store(UInt32(bytes.count - 16), at: 12)
        bytes.store(UInt32(0), at: 120)
        let room = bytes.count - fixed - 4 - end
        let open = min(Int(bytes.integer(at: 124, as: UInt32.self)), room)
        bytes.store(UInt32(open), at: 124)
        bytes.store(UInt32(room - open), at: fixed + open)
        let number = bytes.integer(at: 32, as: UInt64.self) & UInt64(Int64.max)
        bytes.store(max(number, 1), at: 32)
        for index in [16, 40] where number > 1 { bytes[index] |= 1 }
        for index in Array(16..<32) + Array(40..<72) where number <= 1 { bytes[index] = 0 }
        return bytes
    }

    private static func completedDecision(_ input: [UInt8]) -> [UInt8]? {
        let end = DecidedRecord.decisionBytes
        guard input.count > end, let record = completedRecord(Array(input.dropLast(end))) else {
            return nil
        }
        return record + input.suffix(end)
    }

    private static func completedVote(_ input: [UInt8]) -> [UInt8]? {
        let (fixed, end) = (45, DecidedRecord.decisionBytes)
        guard input.count >= fixed + end else { return nil }
        var bytes = input
        bytes.replaceSubrange(0..<12, with: Array("KURAVOTE".utf8) + [1, 0, 0, 0])
        bytes.store(bytes.integer(at: 40, as: UInt32.self) % (Limits.ballotMax + 1), at: 40)
        if let record = completedRecord(Array(bytes[fixed..<(bytes.count - end)])) {
            let digest = SHA256.digest(record)
            let vault = UniqueID(firstHalfOf: digest)
            var writer = ByteWriter()
            writer.uniqueID(vault)
            let isFirst: Bool = record.integer(at: 32, as: UInt64.self) == 1
            bytes.replaceSubrange(16..<32, with: isFirst ? writer.bytes : Array(record[16..<32]))
            bytes.replaceSubrange(32..<40, with: record[32..<40])
            bytes[44] = 1
            bytes.replaceSubrange(fixed..<(bytes.count - end), with: record)
        } else {
            bytes[44] = 0
            bytes = Array(bytes[..<fixed]) + bytes.suffix(end)
        }
        bytes.store(UInt32(bytes.count - 16), at: 12)
        return bytes
    }

    private static func completedClaim(_ input: [UInt8]) -> [UInt8]? {
        var bytes = input.resized(to: Claim.byteCount)
        bytes.replaceSubrange(0..<12, with: Array("KURACLAI".utf8) + [1, 0, 0, 0])
        bytes.store(UInt32(Claim.byteCount - 16), at: 12)
        bytes.store(bytes.integer(at: 40, as: UInt32.self) % Limits.ballotMax + 1, at: 40)
        return bytes
    }

    /// The table of a segment with lengths that a record may have.
    private static func completedTable(_ input: [UInt8]) -> [UInt8]? {
        var bytes = input.resized(to: max(input.count, Segment.Table.byteCount))
        bytes.replaceSubrange(
            0..<16, with: Array("KURASEGM".utf8) + [1, 0, 0, 0, 0, 4, 0, 0])
        let first = Segment.first(of: bytes.integer(at: 16, as: UInt64.self) >> 2)
        bytes.store(first, at: 16)
        for record in 0..<Limits.segmentRecordsMax {
            let length = bytes.integer(at: 24 + 4 * record, as: UInt32.self)
            bytes.store(length % UInt32(DecidedRecord.byteCountMax) + 1, at: 24 + 4 * record)
        }
        return bytes
    }
}
