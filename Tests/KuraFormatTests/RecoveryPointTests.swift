import KuraFormat
import TestSupport
import Testing

@Suite("Recovery point") struct RecoveryPointTests {
    @Test("round-trips, and is named by its seal") func roundTrip() throws {
        try forAll(cases: 100) { _, random in
            let point = Self.random(&random)
            let bytes = point.encoded()
            let (decoded, id) = try RecoveryPoint.decode(bytes)
            #expect(decoded == point)
            #expect(decoded.encoded() == bytes)
            #expect(id == SHA256.digest(Array(bytes.dropLast(Digest.byteCount))))
        }
    }

    @Test("rejects every truncation and every flipped bit") func damage() throws {
        let decode = { (bytes: [UInt8]) throws(FormatError) in
            _ = try RecoveryPoint.decode(bytes)
        }
        try expectLengthsRejected(Example.point.encoded(), decode)
        try expectChangesRejected(Example.point.encoded(), decode)
    }

    @Test("ignores no bit of its body") func canonical() throws {
        try expectBodyCounts(Example.point.encoded()) { bytes throws(FormatError) in
            try RecoveryPoint.decode(bytes).point.encoded()
        }
    }

    @Test("holds as much as the limits allow") func largest() throws {
        var point = Example.point
        let name = String(repeating: "x", count: Limits.nameBytesMax)
        point.item = name
        point.tags = Array(repeating: name, count: Limits.tagsMax)
        point.runs = Array(repeating: Example.digest("run"), count: Limits.pointRunsMax)
        point.disks = (0..<Limits.disksMax).map { number in
            var disk = point.disks[0]
            disk.name = "\(number)" + name.dropFirst("\(number)".count)
            disk.source = String(repeating: "s", count: Limits.textBytesMax)
            return disk
        }
        #expect(try RecoveryPoint.decode(point.encoded()).point == point)
    }

    @Test("rejects two disks of one name") func sameNames() {
        var point = Example.point
        point.disks[1].name = point.disks[0].name
        expectInvalid(point, "disks")
    }

    @Test("takes names that differ only in how characters are composed for different")
    func composition() throws {
        var point = Example.point
        point.disks[0].name = "caf\u{e9}"
        point.disks[1].name = "cafe\u{301}"
        #expect(try RecoveryPoint.decode(point.encoded()).point == point)
    }

    @Test("rejects what is too much or too little") func counts() {
        expectInvalid("disks") { $0.disks = [] }
        expectInvalid("disks") { point in
            point.disks = (0...Limits.disksMax).map { number in
                var disk = point.disks[0]
                disk.name = "\(number)"
                return disk
            }
        }
        expectInvalid("disk name") { $0.disks[0].name = "" }
        expectInvalid("disk") { $0.disks[0].counts.logicalBytes = Limits.diskBytesMax + 1 }
        expectInvalid("item") { $0.item = "" }
        expectInvalid("item") { $0.item = String(repeating: "x", count: 256) }
        expectInvalid("sequence") { $0.sequence = 0 }
        expectInvalid("tags") { $0.tags = Array(repeating: "", count: Limits.tagsMax + 1) }
        expectInvalid("runs") { point in
            point.runs = Array(repeating: point.runs[0], count: Limits.pointRunsMax + 1)
        }
    }

    @Test("adds up the counts of its disks") func totals() {
        var point = Example.point
        point.disks[1].counts.dataBytes = 5
        #expect(point.counts.dataBytes == 8197)
        #expect(point.counts.logicalBytes == 1 << 30)
    }

    private func expectInvalid(_ field: String, _ change: (inout RecoveryPoint) -> Void) {
        var point = Example.point
        change(&point)
        expectInvalid(point, field)
    }

    private func expectInvalid(_ point: RecoveryPoint, _ field: String) {
        #expect(throws: FormatError.invalidField(.recoveryPoint, field: field)) {
            try RecoveryPoint.decode(point.encoded())
        }
    }

    @Test("has counts that no sum of hostile ones overflows") func largeCounts() throws {
        var point = Example.point
        for disk in point.disks.indices {
            point.disks[disk].counts.dataBytes = .max
            point.disks[disk].counts.newBytes = .max - UInt64(disk)
            point.disks[disk].counts.chunks = .max
            point.disks[disk].counts.newChunks = .max
        }
        let (decoded, _) = try RecoveryPoint.decode(point.encoded())
        #expect(decoded.counts.dataBytes == .max && decoded.counts.newBytes == .max)
        #expect(decoded.counts.chunks == .max && decoded.counts.newChunks == .max)
    }

    @Test("rejects a sequence that nothing can follow") func lastSequence() throws {
        var point = Example.point
        point.sequence = Limits.sequenceMax
        #expect(try RecoveryPoint.decode(point.encoded()).point == point)
        point.sequence += 1
        #expect(throws: FormatError.invalidField(.recoveryPoint, field: "sequence")) {
            try RecoveryPoint.decode(point.encoded())
        }
    }

    private static func random(_ random: inout SeededGenerator) -> RecoveryPoint {
        var disks: [DiskRecord] = []
        for number in 0...Int.random(in: 0...5, using: &random) {
            var counts = DiskCounts()
            counts.logicalBytes = .random(in: 0...Limits.diskBytesMax, using: &random)
            counts.dataBytes = random.next()
            counts.newBytes = random.next()
            counts.chunks = random.next()
            counts.newChunks = random.next()
            disks.append(
                DiskRecord(
                    name: "\(number)" + random.text(max: 200),
                    root: Bool.random(using: &random) ? random.digest() : nil, counts: counts,
                    changedWhileRead: .random(using: &random),
                    source: random.text(max: Limits.textBytesMax)))
        }
        return RecoveryPoint(
            vault: random.uniqueID(), item: random.name(),
            sequence: .random(in: 1...Limits.sequenceMax, using: &random),
            time: .random(in: .min ... .max, using: &random),
            consistency: Consistency.allCases.randomElement(using: &random)!,
            parent: Bool.random(using: &random) ? random.digest() : nil, storedBytes: random.next(),
            tags: random.texts(max: Limits.tagsMax), disks: disks, runs: random.digests(max: 9))
    }
}
