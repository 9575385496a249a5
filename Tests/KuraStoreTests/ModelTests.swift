import KuraFormat
import KuraIO
import KuraStore
import TestSupport
import Testing

@Suite("Against a model") struct ModelTests {
    @Test("Random disks, edits, items and thread counts restore what a dictionary remembers")
    func random() throws {
        try forAll(cases: 4) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(
                    directory, copies: UInt8.random(in: 1...3, using: &random),
                    chunker: Bool.random(using: &random) ? .gearTail : .fixed,
                    mean: [4096, 16384, 131072].randomElement(using: &random)!)
                var model: [RecoveryPointID: [UInt8]] = [:]
                var items: [String: SyntheticDisk] = [:]
                for _ in 0..<8 {
                    let item = "item-\(Int.random(in: 0..<2, using: &random))"
                    let disk: SyntheticDisk
                    if let known = items[item] {
                        disk = known.edited(seed: random.next())
                    } else {
                        disk = SyntheticDisk(
                            seed: random.next(),
                            byteCount: Int.random(in: 0...3_000_000, using: &random))
                    }
                    items[item] = disk
                    let report = try store.backup(
                        disk.bytes, item: item, threads: Int.random(in: 1...4, using: &random))
                    model[report.id] = disk.bytes
                }
                for (id, bytes) in model {
                    let restored = try store.restore(
                        id, threads: Int.random(in: 1...4, using: &random))
                    #expect(restored == bytes, "seed \(seed)")
                }
                #expect(Set(try store.vault.recoveryPointIDs()) == Set(model.keys), "seed \(seed)")
                let report = try store.reopened().verify(VerifyRequest(level: .chunks))
                #expect(report.damaged.isEmpty, "seed \(seed)")
            }
        }
    }

    @Test("The difference of two points covers every changed byte and spares far-away ones")
    func difference() throws {
        try forAll(cases: 10) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory, copies: 1)
                let before = SyntheticDisk(seed: seed, byteCount: 2_000_000).bytes
                var after = before
                for _ in 0..<5 {
                    let start = Int.random(in: 0..<(after.count - 5000), using: &random)
                    for index in start..<(start + 3000) { after[index] ^= 0xFF }
                }
                if Bool.random(using: &random) { after += random.bytes(10_000) }
                let first = try store.backup(before)
                let second = try store.backup(after)
                let ranges = try store.vault.difference(first.point, second.point)
                var covered = [Bool](repeating: false, count: after.count)
                for range in ranges {
                    for index in Int(range.offset)..<Int(range.offset + range.byteCount) {
                        covered[index] = true
                    }
                }
                for index in after.indices
                where index >= before.count || before[index] != after[index] {
                    #expect(covered[index], "seed \(seed), byte \(index)")
                }
                let share = covered.count { $0 }
                #expect(share < 500_000, "seed \(seed): \(share) bytes for small edits")
                #expect(try store.vault.difference(second.point, second.point).isEmpty)
            }
        }
    }

    @Test("Statistics count what the files weigh, data apart from metadata")
    func statistics() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 6, byteCount: 2 << 20)
            let reports = [
                try store.backup(disk.bytes), try store.backup(disk.edited(seed: 1).bytes),
            ]
            let statistics = try store.vault.statistics()
            var weight: UInt64 = 0
            for kind in ["packs", "index", "points"] {
                for file in try store.files(kind, replica: 2) {
                    weight += try LocalFileSystem().status(file).byteCount
                }
            }
            #expect(statistics.storedBytes == weight)
            #expect(statistics.recoveryPoints == 2)
            #expect(statistics.logicalBytes >= 4 << 20)
            var frames: UInt64 = 0
            for file in try store.files("packs", replica: 1) {
                let trailer = try store.packTrailer(readFile(file))
                if trailer.header.kind == .data { frames += trailer.storedByteCount }
            }
            #expect(statistics.dataBytesStored == frames)
            #expect(statistics.metadataBytes == weight - frames)
            // What backups report leaves out the recovery points themselves.
            let points = reports.reduce(0) { $0 + UInt64($1.point.encoded().count) }
            #expect(reports.reduce(0) { $0 + $1.metadataBytes } == weight - frames - points)
        }
    }

    @Test("Statistics count a pack whose every copy has lost its end")
    func statisticsOfDamage() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, copies: 1)
            try store.backup(SyntheticDisk(seed: 6, byteCount: 2 << 20).bytes)
            let before = try store.vault.statistics()
            for file in try store.files("packs", replica: 0) {
                try writeFile(Array(readFile(file).dropLast(1)), to: file)
            }
            let after = try store.reopened().statistics()
            #expect(after.storedBytes == before.storedBytes)
            #expect(after.chunks == before.chunks)
            // The table of frames is what nothing else tells.
            #expect(after.metadataBytes < before.metadataBytes)
            #expect(after.metadataBytes > before.metadataBytes * 9 / 10)
        }
    }
}
