import KuraFormat
import TestSupport
import Testing

/// FORMAT.md and the code say the same, or one of these fails.
@Suite("FORMAT.md") struct SpecVectorTests {
    @Test("lists every limit with its value") func limits() throws {
        let limits: [String: UInt64] = [
            "blockBytes": UInt64(Limits.blockBytes),
            "chunkBytesMax": UInt64(Limits.chunkBytesMax),
            "framePlainBytesMax": UInt64(Limits.framePlainBytesMax),
            "frameStoredBytesMax": UInt64(Limits.frameStoredBytesMax),
            "packFramesMax": UInt64(Limits.packFramesMax),
            "packChunksMax": UInt64(Limits.packChunksMax),
            "packBytesMax": UInt64(Limits.packBytesMax),
            "packTrailerBytesMax": UInt64(Limits.packTrailerBytesMax),
            "runPacksMax": UInt64(Limits.runPacksMax),
            "runTrailerBytesMax": UInt64(Limits.runTrailerBytesMax),
            "leafSpanBytes": UInt64(Limits.leafSpanBytes),
            "nodeFanOut": UInt64(Limits.nodeFanOut),
            "extentBytes": UInt64(Limits.extentBytes),
            "nodeLevelMax": UInt64(Limits.nodeLevelMax),
            "diskBytesMax": Limits.diskBytesMax,
            "nodeBytesMax": UInt64(Limits.nodeBytesMax),
            "recordBodyBytesMax": UInt64(Limits.recordBodyBytesMax),
            "disksMax": UInt64(Limits.disksMax),
            "tagsMax": UInt64(Limits.tagsMax),
            "pointRunsMax": UInt64(Limits.pointRunsMax),
            "nameBytesMax": UInt64(Limits.nameBytesMax),
            "textBytesMax": UInt64(Limits.textBytesMax),
            "sequenceMax": Limits.sequenceMax,
            "replicasMax": UInt64(Limits.replicasMax),
            "featuresMax": UInt64(Limits.featuresMax),
            "condemnedMax": UInt64(Limits.condemnedMax),
            "journalSubjectBytesMax": UInt64(Limits.journalSubjectBytesMax),
            "journalTextBytesMax": UInt64(Limits.journalTextBytesMax),
            "verifiedPacksMax": UInt64(Limits.verifiedPacksMax),
        ]
        #expect(try Specification.limits() == limits)
    }

    @Test("lists every limit of version 2 with its value") func logLimits() throws {
        let limits: [String: UInt64] = [
            "logRecordBytesMax": UInt64(Limits.logRecordBytesMax),
            "logBodiesMax": UInt64(Limits.logBodiesMax),
            "logListMax": UInt64(Limits.logListMax),
            "ballotMax": UInt64(Limits.ballotMax),
            "segmentRecordsMax": UInt64(Limits.segmentRecordsMax),
            "logDisksMax": UInt64(Limits.logDisksMax),
            "regionsMax": UInt64(Limits.regionsMax),
            "keysMax": UInt64(Limits.keysMax),
            "checkpointPagesMax": UInt64(Limits.checkpointPagesMax),
            "pageKeyBytesMax": UInt64(Limits.pageKeyBytesMax),
            "pageEntriesMax": UInt64(Limits.pageEntriesMax),
            "pageLevelMax": UInt64(Limits.pageLevelMax),
        ]
        #expect(try Specification.limits(below: "### 13.12 Limits") == limits)
    }

    @Test("has the replica identity of the code") func replica() throws {
        let vector = try Specification.vector("replica-record-2")
        let record = try replicaRecord(vector)
        #expect(try record.encoded() == vector.bytes())
        #expect(try ReplicaRecord.decode(vector.bytes()) == record)
        try expectSeal(vector)
    }

    @Test("has the replica identity of version 1, which the code still reads")
    func replicaVersion() throws {
        let vector = try Specification.vector("replica-record")
        #expect(try ReplicaRecord.decode(vector.bytes()) == replicaRecord(vector))
        try expectSeal(vector)
    }

    private func replicaRecord(_ vector: SpecVector) throws -> ReplicaRecord {
        ReplicaRecord(
            region: try Self.uniqueID(vector.one("region")),
            regionName: try vector.one("region-name"), ordinal: try vector.integer("ordinal"),
            created: try vector.integer("created"), id: try Self.uniqueID(vector.one("id")))
    }

    @Test("has the vault record of the code") func vault() throws {
        let vector = try Specification.vector("vault-record-3")
        #expect(try vaultRecord(vector).encoded() == vector.bytes())
        #expect(try VaultRecord.decode(vector.bytes()) == vaultRecord(vector))
        try expectSeal(vector)
    }

    @Test(
        "has the vault records of versions 1 and 2, which the code still reads",
        arguments: ["vault-record", "vault-record-2"])
    func vaultVersions(_ name: String) throws {
        let vector = try Specification.vector(name)
        #expect(try VaultRecord.decode(vector.bytes()) == vaultRecord(vector))
        try expectSeal(vector)
    }

    private func vaultRecord(_ vector: SpecVector) throws -> VaultRecord {
        VaultRecord(
            id: try Self.uniqueID(vector.one("id")), name: try vector.one("name"),
            region: try Self.uniqueID(vector.one("region")),
            pair: try vector.all("pair").first.map { try Self.uniqueID($0) },
            failedOver: vector.all("failed-over").first == "1",
            revision: try vector.integer("revision"),
            created: try vector.integer("created"),
            redundancy: try #require(Redundancy(rawValue: vector.integer("redundancy"))),
            copies: try vector.integer("copies"), minCopies: try vector.integer("min-copies"),
            chunker: try #require(ChunkerKind(rawValue: vector.one("chunker"))),
            chunkBytesMean: try vector.integer("chunk-bytes-mean"),
            macKey: try vector.all("key").first.map { MACKey(try Self.digest($0)) },
            requiredFeatures: vector.all("required-feature"),
            optionalFeatures: vector.all("optional-feature"))
    }

    @Test("has the durability receipt of the code") func receipt() throws {
        let vector = try Specification.vector("durability-receipt")
        let receipt = DurabilityReceipt(
            vault: try Self.uniqueID(vector.one("vault")),
            point: try Self.digest(vector.one("point")),
            region: try Self.uniqueID(vector.one("region")), ordinal: try vector.integer("ordinal"),
            time: try vector.integer("time"),
            arrival: try #require(Arrival(rawValue: vector.integer("arrival"))))
        #expect(try receipt.encoded() == vector.bytes())
        #expect(try DurabilityReceipt.decode(vector.bytes()) == receipt)
        try expectSeal(vector)
    }

    @Test("has the recovery point of the code") func recoveryPoint() throws {
        let vector = try Specification.vector("recovery-point")
        let point = RecoveryPoint(
            vault: try Self.uniqueID(vector.one("vault")), item: try vector.one("item"),
            sequence: try vector.integer("sequence"), time: try vector.integer("time"),
            consistency: try #require(Consistency(rawValue: vector.integer("consistency"))),
            parent: try Self.digest(vector.one("parent")),
            storedBytes: try vector.integer("stored-bytes"), tags: vector.all("tag"),
            disks: try vector.fields("disk").map { fields in
                var counts = DiskCounts()
                counts.logicalBytes = try #require(UInt64(fields[2]))
                counts.dataBytes = try #require(UInt64(fields[3]))
                counts.newBytes = try #require(UInt64(fields[4]))
                counts.chunks = try #require(UInt64(fields[5]))
                counts.newChunks = try #require(UInt64(fields[6]))
                return DiskRecord(
                    name: fields[0], root: fields[1] == "-" ? nil : try Self.digest(fields[1]),
                    counts: counts, changedWhileRead: fields[7] == "1", source: fields[8])
            },
            runs: try vector.all("run").map { try Self.digest($0) })
        #expect(try point.encoded() == vector.bytes())
        let (decoded, id) = try RecoveryPoint.decode(vector.bytes())
        #expect(decoded == point)
        #expect(try id.hex == vector.one("seal"))
        try expectSeal(vector)
    }

    @Test("has the session record of the code") func session() throws {
        let vector = try Specification.vector("session-record")
        let record = SessionRecord(
            id: try Self.uniqueID(vector.one("id")), operation: try vector.one("operation"),
            item: try vector.one("item"), process: try vector.integer("process"),
            host: try vector.one("host"), started: try vector.integer("started"))
        #expect(try record.encoded() == vector.bytes())
        #expect(try SessionRecord.decode(vector.bytes()) == record)
        try expectSeal(vector)
    }

    @Test("has the repair record of the code") func repair() throws {
        let vector = try Specification.vector("repair-record")
        let record = RepairRecord(
            vault: try Self.uniqueID(vector.one("vault")),
            region: try Self.uniqueID(vector.one("region")),
            replica: try vector.integer("replica"), time: try vector.integer("time"),
            path: try vector.one("path"),
            damage: try #require(DamageKind(rawValue: vector.integer("damage"))),
            source: try #require(RepairSource(rawValue: vector.integer("source"))),
            byteCount: try vector.integer("bytes"))
        #expect(try record.encoded() == vector.bytes())
        let (decoded, id) = try RepairRecord.decode(vector.bytes())
        #expect(decoded == record)
        #expect(try id.hex == vector.one("seal"))
        try expectSeal(vector)
    }

    @Test("has the verification memory of the code") func verification() throws {
        let vector = try Specification.vector("verification-memory")
        let record = VerificationRecord(
            vault: try Self.uniqueID(vector.one("vault")), replica: try vector.integer("replica"),
            entries: try vector.fields("entry").map { fields in
                VerificationRecord.Entry(
                    pack: try Self.digest(fields[0]), time: try #require(Int64(fields[1])))
            })
        #expect(try record.encoded() == vector.bytes())
        #expect(try VerificationRecord.decode(vector.bytes()) == record)
        try expectSeal(vector)
    }

    @Test("has the pack of the code") func pack() throws {
        let vector = try Specification.vector("pack")
        var frames: [[[UInt8]]] = []
        for fields in vector.fields("chunk") {
            if frames.count == Int(fields[0]) { frames.append([]) }
            frames[frames.count - 1].append(try SpecVector.decode(fields[1]))
        }
        let (bytes, id) = PackFile.make(frames, vault: try Self.uniqueID(vector.one("vault")))
        #expect(try bytes == vector.bytes())
        #expect(try id.hex == vector.one("pack-id"))
        try PackFile.check(bytes, id: id)
        let trailerLength: Int = try vector.integer("trailer-length")
        let trailerOffset: Int = try vector.integer("trailer-offset")
        #expect(try bytes.count == vector.integer("file-length"))
        #expect(trailerOffset + trailerLength + Footer.byteCount == bytes.count)
        let offsets = [32, 32 + frames[0].joined().count]
        #expect(vector.fields("frame-offset") == offsets.enumerated().map { ["\($0)", "\($1)"] })
    }

    @Test("has the index runs of the code", arguments: ["index-run-of-1", "index-run-of-150"])
    func indexRun(_ name: String) throws {
        let vector = try Specification.vector(name)
        let entries = Self.runEntries(try vector.integer("entries"))
        let packs = [
            PackSummary(
                id: Example.digest("pack 0"), kind: .data, chunkCount: 75, fileByteCount: 1000,
                plainByteCount: 2000),
            PackSummary(
                id: Example.digest("pack 1"), kind: .manifest, chunkCount: 75, fileByteCount: 1001,
                plainByteCount: 2001),
        ]
        let (bytes, id, trailer) = IndexRunFile.make(
            entries, packs: packs, superseded: [Example.digest("run 0")],
            vault: try Self.uniqueID(vector.one("vault")))
        #expect(try id.hex == vector.one("run-id"))
        #expect(try bytes.count == vector.integer("file-length"))
        try IndexRunFile.check(bytes, id: id)
        if !vector.all("hex").isEmpty {
            #expect(try bytes == vector.bytes())
            return
        }
        #expect(try SHA256.digest(bytes).hex == vector.one("file-sha256"))
        #expect(try trailer.encodedByteCount == vector.integer("trailer-length"))
        #expect(
            try bytes.count - Footer.byteCount - trailer.encodedByteCount
                == vector.integer("trailer-offset"))
        #expect(try trailer.blocksDigest.hex == vector.one("blocks-sha256"))
        #expect(try trailer.filter.blockCount == vector.integer("filter-blocks"))
        #expect(
            vector.fields("fence") == trailer.fences.enumerated().map { ["\($0)", Self.hex($1)] })
        for (number, fields) in vector.fields("block").enumerated() {
            let start = (number + 1) * IndexBlock.byteCount
            let block = Array(bytes[start..<(start + IndexBlock.byteCount)])
            let checksum = block.withUnsafeBytes { IndexBlock.storedDigest($0) }
            #expect(fields == ["\(number)", "\(start)", checksum.hex])
        }
        for (key, entry) in [("first-entry", entries.first), ("last-entry", entries.last)] {
            let entry = try #require(entry)
            #expect(try vector.one(key) == "\(entry.id.hex) \(Self.hex(entry.location.bits))")
        }
    }

    @Test(
        "has the leaves of the code, without codes and with",
        arguments: ["node-leaf", "node-leaf-2"])
    func leaf(_ name: String) throws {
        let vector = try Specification.vector(name)
        let node = ManifestNode.leaf(
            try vector.fields("entry").map { fields in
                let code = try fields.dropFirst(3).first.map { try #require(UniqueID(hex: $0)) }
                return LeafEntry(
                    offset: try #require(UInt32(fields[0])),
                    byteCount: try #require(UInt32(fields[1])), id: try Self.digest(fields[2]),
                    mac: code.map { ChunkMAC($0.high, $0.low) })
            })
        try expectNode(node, vector)
    }

    @Test("has the inner node of the code") func inner() throws {
        let vector = try Specification.vector("node-inner")
        var children = [NodeID?](repeating: nil, count: Limits.nodeFanOut)
        for fields in vector.fields("child") {
            children[try #require(Int(fields[0]))] = try Self.digest(fields[1])
        }
        try expectNode(.inner(level: try vector.integer("level"), children: children), vector)
    }

    @Test("has the levels of roots of the code") func rootLevels() throws {
        let roots = try Specification.vector("root-level").fields("root")
        #expect(!roots.isEmpty)
        for fields in roots {
            let diskBytes = try #require(UInt64(fields[0]))
            #expect(ManifestNode.rootLevel(diskBytes: diskBytes) == Int(fields[1]))
        }
    }

    @Test("has no vector that no test knows") func unknownVectors() throws {
        let known: Set = [
            "gear-table", "replica-record", "replica-record-2", "vault-record", "vault-record-2",
            "vault-record-3",
            "recovery-point", "node-leaf-2", "chunk-mac",
            "session-record", "durability-receipt", "repair-record", "verification-memory", "pack",
            "index-run-of-1", "index-run-of-150", "node-leaf", "node-inner", "root-level",
        ]
        let names = try Specification.vectors().map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(names.filter { !$0.hasPrefix("chunks-") }) == known)
    }

    private func expectNode(_ node: ManifestNode, _ vector: SpecVector) throws {
        let bytes = try vector.bytes()
        #expect(node.encoded() == bytes)
        #expect(try SHA256.digest(bytes).hex == vector.one("node-id"))
        let level: Int = try vector.integer("level")
        let decoded = try bytes.decoded { raw throws(FormatError) in
            try ManifestNode(decoding: raw, level: level)
        }
        #expect(decoded == node)
    }

    private func expectSeal(_ vector: SpecVector) throws {
        let bytes = try vector.bytes()
        let seal = SHA256.digest(Array(bytes.dropLast(Digest.byteCount)))
        #expect(try seal.hex == vector.one("seal"))
    }

    /// The entries that section 10.4 describes.
    private static func runEntries(_ count: Int) -> [IndexEntry] {
        (0..<count).map { index in
            IndexEntry(
                id: Example.digest("name \(index)"),
                location: ChunkLocation(
                    pack: index % 2, frame: index / 16, plainOffset: index % 16 * 1000))
        }.sorted { $0.id < $1.id }
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func digest(_ hex: String) throws -> Digest { try #require(Digest(hex: hex)) }

    private static func uniqueID(_ hex: String) throws -> UniqueID {
        try #require(UniqueID(hex: hex))
    }
}
