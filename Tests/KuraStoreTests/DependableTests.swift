import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("What a backup relies on") struct DependableTests {
    private func packs(_ store: TestStore, replica: Int) throws -> [FilePath] {
        try store.files("packs", replica: replica)
    }

    private func random(_ seed: UInt64, _ byteCount: Int) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return random.bytes(byteCount)
    }

    private func restored(_ store: TestStore, _ report: BackupReport) throws -> [UInt8] {
        try store.restore(report.id)
    }

    @Test("A pack that one replica does not have is copied there before a backup relies on it")
    func oneCopyGone() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let bytes = random(5, 400_000)
            try store.backup(bytes)
            let gone = try packs(store, replica: 1)
            for path in gone { unlink(path.string) }
            let report = try store.backup(bytes, into: store.reopened())
            #expect(report.healed.count == gone.count)
            #expect(report.healed.allSatisfy { $0.repairedFrom == .replica })
            #expect(try packs(store, replica: 1).count >= gone.count)
            #expect(try restored(store, report) == bytes)
        }
    }

    @Test("A pack that one replica has too short or too long is healed as what it is")
    func wrongLength() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let bytes = random(12, 400_000)
            try store.backup(bytes)
            let files = try packs(store, replica: 1)
            for (number, path) in files.enumerated() {
                let whole = try readFile(path)
                try writeFile(number == 0 ? whole + [0] : whole.dropLast(), to: path)
            }
            let report = try store.backup(bytes, into: store.reopened())
            #expect(files.count > 1 && report.healed.count == files.count)
            #expect(report.healed.allSatisfy { $0.kind == .wrongLength && $0.isRepaired })
        }
    }

    @Test("Packs that no replica has are given up, and a backup stores again what it needs")
    func allCopiesGone() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let bytes = random(6, 400_000)
            let first = try store.backup(bytes)
            for replica in 0..<3 {
                for path in try packs(store, replica: replica) { unlink(path.string) }
            }
            let report = try store.backup(bytes, into: store.reopened())
            #expect(!report.healed.isEmpty)
            #expect(try restored(store, report) == bytes)
            // What lost its chunks is whole again, too.
            #expect(try restored(store, first) == bytes)
            let found = try store.reopened().verify(VerifyRequest(level: .chunks))
            #expect(found.damaged.isEmpty)
        }
    }

    @Test("With a replica away, a backup does not rely on a pack that only one other has")
    func tooFewCopies() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let bytes = random(7, 400_000)
            try store.backup(bytes)
            let away = directory.appending("replica-2")
            #expect(rename(away.string, away.string + "-away") == 0)
            for replica in 0..<2 {
                for path in try packs(store, replica: replica) { unlink(path.string) }
            }
            #expect(throws: KuraError.self) { try store.backup(bytes, into: store.reopened()) }
            #expect(rename(away.string + "-away", away.string) == 0)
            let report = try store.backup(bytes, into: store.reopened())
            #expect(try restored(store, report) == bytes)
        }
    }

    @Test("A replica that lacks a pack does not count as a copy of the points that need it")
    func wholeCopies() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let first = try store.backup(random(8, 400_000))
            let known = try Set(packs(store, replica: 1).map(\.string))
            let second = try store.backup(
                random(9, 400_000), item: "other")
            for path in try packs(store, replica: 1) where !known.contains(path.string) {
                unlink(path.string)
            }
            let copies = try store.reopened().wholeCopies()
            #expect(copies[first.id] == [0, 1, 2])
            #expect(copies[second.id] == [0, 2])
        }
    }

    @Test("A tombstone that is damaged hides no point and removes none")
    func damagedTombstone() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let bytes = random(10, 200_000)
            let report = try store.backup(bytes)
            let folder = store.vaultPath(replica: 2).appending("dropped")
            _ = mkdir(folder.string, 0o700)
            try writeFile([], to: folder.appending(report.id.hex))
            #expect(try store.reopened().recoveryPointIDs() == [report.id])
            let found = try store.reopened().verify(VerifyRequest())
            #expect(found.damaged.map(\.structure) == [.dropped])
            try store.backup(bytes, item: "other", into: store.reopened())
            #expect(try store.reopened().recoveryPointIDs().contains(report.id))
            let repaired = try store.reopened().verify(VerifyRequest(repair: true))
            #expect(repaired.remaining.isEmpty)
            #expect(try store.reopened().verify(VerifyRequest()).damaged.isEmpty)
            #expect(try restored(store, report) == bytes)
        }
    }

    @Test("A run that has a chunk in a wrong place is found, read around, and written anew")
    func untrueRun() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let bytes = random(11, 400_000)
            let report = try store.backup(bytes)
            try makeUntrue(store)
            let found = try store.reopened().verify(VerifyRequest())
            #expect(Set(found.damaged.map(\.structure)) == [.indexRun])
            #expect(try restored(store, report) == bytes)
            let repaired = try store.reopened().verify(VerifyRequest(repair: true))
            #expect(repaired.remaining.isEmpty, "\(repaired.remaining)")
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
            #expect(try restored(store, report) == bytes)
        }
    }

    @Test("A chunk is found at its place, though other places that runs name cannot be read")
    func untrueRunAndLostPack() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let bytes = random(13, 400_000)
            let report = try store.backup(bytes)
            try makeUntrue(store)
            try listInLostPack(store)
            #expect(try restored(store, report) == bytes)
        }
    }

    /// Adds a run that has every chunk in a pack which is in no replica. It has more entries than
    /// the others, so look-ups ask it last.
    private func listInLostPack(_ store: TestStore) throws {
        let vault = store.reopened()
        var names: [ChunkID] = [Digest(words: (1, 1, 1, 1))]
        for pack in try ChunkIndex.open(vault).runs.flatMap(\.trailer.packs) {
            names += try packTrailer(pack.id, store).chunks.map(\.id)
        }
        let lost = PackSummary(
            id: Digest(words: (2, 2, 2, 2)), kind: .data, chunkCount: UInt32(names.count),
            fileByteCount: 1000, plainByteCount: 1000)
        let session = try Session.begin(vault, operation: "backup", scope: .vault, required: 3)
        defer { session.end(clean: true) }
        _ = try IndexRunWriter.write(
            names.map {
                IndexEntry(id: $0, location: ChunkLocation(pack: 0, frame: 0, plainOffset: 0))
            }, packs: [lost], to: session.writer)
    }

    /// Writes the index anew with every entry of a data pack one byte off, and whole checksums.
    private func makeUntrue(_ store: TestStore) throws {
        let vault = store.reopened()
        let runs = try ChunkIndex.open(vault).runs
        let session = try Session.begin(
            vault, operation: "backup", scope: .vault, required: 3)
        defer { session.end(clean: true) }
        var entries: [IndexEntry] = []
        var summaries: [PackSummary] = []
        for pack in runs.flatMap(\.trailer.packs) {
            let trailer = try packTrailer(pack.id, store)
            let number = summaries.count
            summaries.append(pack)
            trailer.forEachLocation { chunk, frame, plainOffset in
                let isMoved = pack.kind == .data && plainOffset > 0
                entries.append(
                    IndexEntry(
                        id: chunk.id,
                        location: ChunkLocation(
                            pack: number, frame: frame, plainOffset: plainOffset - (isMoved ? 1 : 0)
                        )))
            }
        }
        let known = try store.files("index", replica: 0).compactMap {
            RunID(hex: $0.lastComponent?.string ?? "")
        }
        _ = try IndexRunWriter.write(
            entries, packs: summaries, superseded: known, to: session.writer)
    }

    private func packTrailer(_ id: PackID, _ store: TestStore) throws -> PackTrailer {
        let path = try #require(
            try packs(store, replica: 0).first { $0.lastComponent?.string == id.hex })
        let bytes = try readFile(path)
        let footer = try bytes.suffix(Footer.byteCount).withUnsafeBytes {
            try Footer(decoding: $0, of: .pack)
        }
        let end = bytes.count - Footer.byteCount
        return try bytes[(end - Int(footer.trailerByteCount))..<end].withUnsafeBytes {
            try PackTrailer(decoding: $0)
        }
    }
}
