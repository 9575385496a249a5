import KuraFormat
import TestSupport
import Testing

extension Example {
    static let page = StatePage(
        vault: vault, kind: .settings, level: 0,
        entries: [
            StatePage.Entry(key: Array("item/a".utf8), value: [1, 2, 3]),
            StatePage.Entry(key: Array("item/b".utf8), value: []),
        ])

    static let reference = StatePage.Reference(
        firstKey: [1], page: digest("page"), entries: 3, byteCount: 100)

    static let checkpoint = CheckpointRoot(
        vault: vault, position: LogPosition(number: 5, digest: digest("5")), epoch: 1,
        activeRegion: region, settings: vaultBody,
        members: [
            MembersBody(region: region, replicas: [vault]),
            MembersBody(region: UniqueID(high: 3, low: 4), replicas: [region]),
        ],
        keys: [
            CheckpointRoot.Key(
                body: KeyBody(key: publicKey("home"), rights: .all, name: "office"), number: 1,
                previous: nil)
        ],
        pages: [
            CheckpointRoot.Pages(kind: .points, level: 1, pages: [reference]),
            CheckpointRoot.Pages(kind: .runs, level: 0, pages: [reference]),
        ])
}

@Suite("Page of a checkpoint") struct StatePageTests {
    private func recode(_ bytes: [UInt8]) throws(FormatError) -> [UInt8] {
        try StatePage.decode(bytes).page.encoded().bytes
    }

    @Test("round-trips, and is named by its seal") func roundTrip() throws {
        try forAll(cases: 100) { seed, random in
            let level = UInt8(random.next() & 1)
            let keys = Set((0...Int.random(in: 0..<40, using: &random)).map { _ in random.name() })
            let entries = keys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
                .map { key in
                    level == 0
                        ? StatePage.Entry(key: key, value: random.bytes(Int(random.next() & 63)))
                        : StatePage.Reference(
                            firstKey: key, page: random.digest(), entries: random.number(),
                            byteCount: 500
                        ).entry
                }
            let page = StatePage(
                vault: random.uniqueID(),
                kind: StatePage.Kind.allCases.randomElement(using: &random)!, level: level,
                entries: entries)
            let (bytes, name) = page.encoded()
            let decoded = try StatePage.decode(bytes)
            #expect(decoded.page == page && decoded.name == name, "seed \(seed)")
            #expect(SHA256.digest(Array(bytes.dropLast(32))) == name)
            if level == 1 { #expect(try page.references().map(\.entry) == entries) }
        }
    }

    @Test("rejects every truncation and every flipped bit, and ignores none") func damage() throws {
        let bytes = Example.page.encoded().bytes
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try StatePage.decode(bytes)
        }
        try expectLengthsRejected(bytes, decode)
        try expectChangesRejected(bytes, decode)
        try expectBodyCounts(bytes, recode)
    }

    @Test("has entries, in order, and none twice") func entries() {
        let entry = Example.page.entries[0]
        let long = StatePage.Entry(
            key: [UInt8](repeating: 1, count: Limits.pageKeyBytesMax + 1), value: [])
        for (field, entries) in [
            ("entries", []), ("entries", [entry, entry]),
            ("entries", Array(Example.page.entries.reversed())), ("key", [long]),
            ("key", [StatePage.Entry(key: [], value: [1])]),
        ] {
            var page = Example.page
            page.entries = entries
            #expect(throws: FormatError.invalidField(.statePage, field: field)) {
                try StatePage.decode(page.encoded().bytes)
            }
        }
    }

    @Test("of a higher level names pages alone") func levels() {
        var page = Example.page
        page.level = 1
        #expect(throws: FormatError.self) { try StatePage.decode(page.encoded().bytes) }
        page.level = Limits.pageLevelMax + 1
        #expect(throws: FormatError.invalidField(.statePage, field: "level")) {
            try StatePage.decode(page.encoded().bytes)
        }
    }

    @Test("ends where a key says so, about as often as it should") func boundaries() {
        let ends = (0..<10_000).filter { number in
            StatePage.ends(after: Array("key \(number)".utf8), kind: .points, level: 0)
        }
        // One in 256.
        #expect(20...65 ~= ends.count)
    }
}

@Suite("Root of a checkpoint") struct CheckpointRootTests {
    private func recode(_ bytes: [UInt8]) throws(FormatError) -> [UInt8] {
        try CheckpointRoot.decode(bytes).root.encoded().bytes
    }

    @Test("round-trips, and is named by its seal") func roundTrip() throws {
        let (bytes, name) = Example.checkpoint.encoded()
        let decoded = try CheckpointRoot.decode(bytes)
        #expect(decoded.root == Example.checkpoint && decoded.name == name)
        #expect(SHA256.digest(Array(bytes.dropLast(32))) == name)
    }

    @Test("rejects every truncation and every flipped bit, and ignores none") func damage() throws {
        let bytes = Example.checkpoint.encoded().bytes
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try CheckpointRoot.decode(bytes)
        }
        try expectLengthsRejected(bytes, decode)
        try expectChangesRejected(bytes, decode)
        try expectBodyCounts(bytes, recode)
    }

    @Test("has members, keys and pages in order") func order() {
        let changes: [(String, (inout CheckpointRoot) -> Void)] = [
            ("members", { $0.members.reverse() }), ("members", { $0.members = [] }),
            ("keys", { $0.keys += $0.keys }), ("keys", { $0.keys[0].body.isAdmitted = false }),
            ("keys", { $0.keys[0].number = 2 }), ("pages", { $0.pages.reverse() }),
            ("pages", { $0.pages[0].pages += $0.pages[0].pages }),
            ("pages", { $0.pages[0].pages = [] }),
        ]
        for (field, change) in changes {
            var root = Example.checkpoint
            change(&root)
            #expect(throws: FormatError.invalidField(.checkpoint, field: field)) {
                try CheckpointRoot.decode(root.encoded().bytes)
            }
        }
    }
}

@Suite("Hint to a checkpoint") struct CheckpointHintTests {
    @Test("round-trips, and rejects damage") func roundTrip() throws {
        let hint = CheckpointHint(
            vault: Example.vault, checkpoint: CheckpointBody(number: 5, root: Example.digest("r")))
        #expect(try CheckpointHint.decode(hint.encoded()) == hint)
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try CheckpointHint.decode(bytes)
        }
        try expectLengthsRejected(hint.encoded(), decode)
        try expectChangesRejected(hint.encoded(), decode)
    }
}

@Suite("Vault identity") struct VaultIdentityTests {
    private static let identity = VaultIdentity(
        id: Example.vault, requiredFeatures: ["log-v2", "zstd"], optionalFeatures: ["hint"])

    @Test("round-trips, rejects damage, and ignores no bit") func roundTrip() throws {
        let bytes = Self.identity.encoded()
        #expect(try VaultIdentity.decode(bytes) == Self.identity)
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try VaultIdentity.decode(bytes)
        }
        try expectLengthsRejected(bytes, decode)
        try expectChangesRejected(bytes, decode)
        try expectBodyCounts(bytes) { bytes throws(FormatError) in
            try VaultIdentity.decode(bytes).encoded()
        }
    }

    @Test("is too new for a program that knows no log, and the other way round") func versions() {
        #expect(throws: FormatError.unsupportedVersion(.vault, version: 4)) {
            try VaultRecord.decode(Self.identity.encoded())
        }
        #expect(throws: FormatError.unsupportedVersion(.vaultIdentity, version: 3)) {
            try VaultIdentity.decode(Example.vaultRecord.encoded())
        }
    }

    @Test("says that the truth is a log, which no vault of version 1 may need") func features() {
        var identity = Self.identity
        identity.requiredFeatures = ["zstd"]
        #expect(throws: FormatError.invalidField(.vaultIdentity, field: "required features")) {
            try VaultIdentity.decode(identity.encoded())
        }
        identity.requiredFeatures = ["log-v2", "time-travel"]
        #expect(throws: FormatError.unsupportedFeature("time-travel")) {
            try VaultIdentity.decode(identity.encoded())
        }
        var record = Example.vaultRecord
        record.requiredFeatures = ["log-v2"]
        #expect(throws: FormatError.unsupportedFeature("log-v2")) {
            try VaultRecord.decode(record.encoded())
        }
    }
}
