import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Verification memory") struct VerificationMemoryTests {
    private static let hour: Int64 = 3600 * 1_000_000_000

    private func store(_ directory: FilePath) throws -> TestStore {
        let store = try TestStore(directory)
        for seed in 0..<3 {
            try store.backup(SyntheticDisk(seed: UInt64(seed), byteCount: 60_000).bytes)
        }
        return store
    }

    private func memory(_ store: TestStore, _ replica: Int) throws -> VerificationRecord {
        try VerificationRecord.decode(
            readFile(store.vaultPath(replica: replica).appending("verified")))
    }

    /// Makes every entry older.
    private func age(_ store: TestStore, by time: Int64) throws {
        for replica in 0..<3 {
            var record = try memory(store, replica)
            for index in record.entries.indices { record.entries[index].time -= time }
            try writeFile(
                record.encoded(), to: store.vaultPath(replica: replica).appending("verified"))
        }
    }

    @Test("leaves out what was read not long ago, and reads it again when it is old")
    func age() throws {
        try withTemporaryDirectory { directory in
            let store = try store(directory)
            let packs = try store.files("packs", replica: 0).count
            let first = try store.reopened().verify(VerifyRequest(maxAge: Self.hour))
            #expect(first.packs == packs * 3 && first.skipped == 0 && first.copies == packs * 3)
            #expect(first.provenCopies == packs * 3)
            #expect(first.oldestVerified != nil)
            let second = try store.reopened().verify(VerifyRequest(maxAge: Self.hour))
            #expect(second.packs == 0 && second.skipped == packs * 3)
            #expect(second.oldestVerified == first.oldestVerified)
            try store.backup([1, 2, 3], item: "new")
            let third = try store.reopened().verify(VerifyRequest(maxAge: Self.hour))
            #expect(third.packs == 6)
            try age(store, by: 2 * Self.hour)
            let fourth = try store.reopened().verify(VerifyRequest(maxAge: Self.hour))
            #expect(fourth.packs == packs * 3 + 6)
            #expect(try store.reopened().verify(VerifyRequest()).skipped == 0)
        }
    }

    @Test("reads what was never read first, then the oldest, until the time is up")
    func order() throws {
        try withTemporaryDirectory { directory in
            let store = try store(directory)
            _ = try store.reopened().verify(VerifyRequest())
            let none = try store.reopened().verify(VerifyRequest(maxDuration: 0))
            #expect(none.packs == 0 && none.oldestVerified != nil)
            // One pack is older in one replica, one was never read in another.
            var older = try memory(store, 1)
            older.entries[2].time -= Self.hour
            try writeFile(older.encoded(), to: store.vaultPath(replica: 1).appending("verified"))
            var never = try memory(store, 2)
            let unread = never.entries.remove(at: 4).pack
            try writeFile(never.encoded(), to: store.vaultPath(replica: 2).appending("verified"))
            #expect(
                try store.reopened().verify(VerifyRequest(maxDuration: 0)).oldestVerified == nil)
            // The first pack that is reached ends the run, and what was read is remembered.
            let cancellation = Cancellation()
            let stopping = CancellingFileSystem(cancellation)
            let error = #expect(throws: KuraError.self) {
                try store.reopened(fileSystem: stopping).verify(
                    VerifyRequest(threads: 1), cancellation: cancellation)
            }
            #expect(error?.code == .interrupted)
            #expect(stopping.first?.hasSuffix(unread.hex) == true)
            let time = try memory(store, 2).entries.first { $0.pack == unread }?.time
            #expect(time != nil)
        }
    }

    @Test("forgets a copy that was found damaged")
    func damaged() throws {
        try withTemporaryDirectory { directory in
            let store = try store(directory)
            _ = try store.reopened().verify(VerifyRequest())
            let file = try store.files("packs", replica: 1)[0]
            try writeFile([1, 2], to: file)
            let report = try store.reopened().verify(VerifyRequest())
            #expect(report.provenCopies == report.copies - 1)
            #expect(try memory(store, 1).entries.count == memory(store, 0).entries.count - 1)
            let again = try store.reopened().verify(VerifyRequest(maxAge: Self.hour))
            #expect(again.packs == 1 && again.damaged.map(\.place) == [file.string])
        }
    }

    @Test("that is lost, damaged, another replica's, or from the future counts as empty")
    func untrusted() throws {
        try withTemporaryDirectory { directory in
            let store = try store(directory)
            let copies = try store.reopened().verify(VerifyRequest()).copies
            let path = store.vaultPath(replica: 1).appending("verified")
            var future = try memory(store, 1)
            for index in future.entries.indices { future.entries[index].time += Self.hour }
            let other = try readFile(store.vaultPath(replica: 0).appending("verified"))
            var flipped = try readFile(path)
            flipped[50] ^= 1
            for bytes in [nil, flipped, [], other, future.encoded()] {
                removeTree(path)
                if let bytes { try writeFile(bytes, to: path) }
                let report = try store.reopened().verify(VerifyRequest(maxAge: Self.hour))
                #expect(report.packs == copies / 3)
                #expect(report.damaged.isEmpty)
                #expect(try memory(store, 1).entries.count == copies / 3)
            }
        }
    }
}
