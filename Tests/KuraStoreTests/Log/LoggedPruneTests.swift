import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import KuraStore
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Collection on the log") struct LoggedPruneTests {
    private func withStore(_ body: (TestStore) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            try body(TestStore(directory, access: .home()))
        }
    }

    private func request(
        _ points: [RecoveryPointID], grace: Int64 = 0, deadShare: Double = 0
    ) -> PruneRequest {
        var request = PruneRequest(
            dropping: Set(points), reason: "test", deadShareMax: deadShare)
        request.grace = grace
        return request
    }

    private func packs(_ store: TestStore, replica: Int) throws -> Set<String> {
        Set(try store.files("packs", replica: replica).compactMap { $0.lastComponent?.string })
    }

    @Test("What only a dropped point needed is removed from every replica, and the rest stays")
    func removes() throws {
        try withStore { store in
            let (one, other) = (
                SyntheticDisk(seed: 1, byteCount: 200_000),
                SyntheticDisk(seed: 2, byteCount: 200_000)
            )
            let gone = try store.backup(one.bytes, item: "one").id
            let kept = try store.backup(other.bytes, item: "other").id
            let before = try packs(store, replica: 0)
            let report = try store.reopened().prune(request([gone], deadShare: 1))
            #expect(report.removedPacks > 0 && report.removedBytes > 0 && report.obstacle == nil)
            let after = try packs(store, replica: 0)
            #expect(after.isStrictSubset(of: before))
            for replica in 1..<3 { #expect(try packs(store, replica: replica) == after) }
            let vault = store.reopened()
            #expect(try vault.recoveryPointIDs() == [kept])
            #expect(try store.restore(kept) == other.bytes)
            let state = try #require(try vault.state())
            #expect(try state.outgoingPacks().isEmpty)
            #expect(try state.point(gone) == nil)
            // Nothing is left to do.
            let number = try store.recordNumber()
            let again = try store.reopened().prune(request([], deadShare: 1))
            #expect(again.removedPacks == 0 && again.removedBytes == 0)
            #expect(try store.recordNumber() == number)
        }
    }

    @Test("A dropped point is hidden, and what it needs stays until its grace time is over")
    func grace() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 3, byteCount: 200_000)
            let id = try store.backup(disk.bytes).id
            let before = try packs(store, replica: 0)
            let report = try store.reopened().prune(
                request([id], grace: PruneRequest.defaultGrace))
            #expect(report.removedPacks == 0)
            #expect(try store.reopened().recoveryPointIDs().isEmpty)
            #expect(throws: KuraError.self) { try store.reopened().recoveryPoint(id) }
            #expect(try packs(store, replica: 0) == before)
            let later = try store.reopened().prune(request([]))
            #expect(later.removedPacks == before.count)
            #expect(try packs(store, replica: 0).isEmpty)
        }
    }

    @Test("Chunks that points need move out of packs with many dead bytes")
    func repacks() throws {
        try withStore { store in
            var disk = SyntheticDisk(seed: 4, byteCount: 300_000)
            var contents: [RecoveryPointID: [UInt8]] = [:]
            for seed in 5..<10 {
                contents[try store.backup(disk.bytes).id] = disk.bytes
                disk = disk.edited(seed: UInt64(seed))
            }
            let newest = try #require(try store.reopened().recoveryPoints().first?.id)
            let dropped = contents.keys.filter { $0 != newest }
            let report = try store.reopened().prune(request(Array(dropped)))
            #expect(report.repackedBytes > 0)
            #expect(try store.restore(newest) == contents[newest])
            let next = disk.edited(seed: 11)
            let id = try store.backup(next.bytes).id
            #expect(try store.restore(id) == next.bytes)
        }
    }

    @Test("With a replica away nothing is removed, and the next prune does it")
    func away() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 12, byteCount: 100_000)
            let id = try store.backup(disk.bytes).id
            let before = try packs(store, replica: 0)
            try store.hide(2)
            let report = try store.reopened().prune(request([id]))
            #expect(report.obstacle != nil)
            #expect(try packs(store, replica: 0) == before)
            try store.hide(2, false)
            _ = try store.reopened().prune(request([]))
            for replica in 0..<3 { #expect(try packs(store, replica: replica).isEmpty) }
        }
    }

    @Test("A backup that relies on a pack which was condemned meanwhile spares it")
    func spares() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 13, byteCount: 200_000)
            let first = try store.backup(disk.bytes).id
            let pruned = Mutex<CollectionReport?>(nil)
            let request = request([first])
            let source = HookedSource(disk.bytes) {
                // The point is dropped, and what it needs condemned, while its disk is read again.
                let report = try store.reopened().prune(request)
                pruned.withLock { $0 = report }
            }
            let report = try store.reopened().backup(
                BackupRequest(
                    item: "item", disks: [.init(name: "disk", source: source)], level: 1,
                    threads: 1))
            #expect(pruned.withLock { $0?.waitingBytes ?? 0 } > 0)
            #expect(try store.restore(report.id) == disk.bytes)
            _ = try store.reopened().prune(self.request([]))
            #expect(try store.restore(report.id) == disk.bytes)
            #expect(try #require(try store.reopened().state()).outgoingPacks().isEmpty)
        }
    }

    @Test("What a writer put and never committed is removed by name")
    func orphans() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 14, byteCount: 100_000)
            let id = try store.backup(disk.bytes).id
            let whole = try packs(store, replica: 0)
            var kill = 60
            while try packs(store, replica: 0) == whole, kill < 1000 {
                let failing = FailingFileSystem { [kill] in $0.count >= kill }
                let vault = store.reopened(fileSystem: failing)
                do {
                    try store.backup(
                        SyntheticDisk(seed: 15, byteCount: 100_000).bytes, item: "other",
                        threads: 1, into: vault)
                } catch is KuraError {}
                kill += 20
            }
            #expect(try packs(store, replica: 0) != whole)
            #expect(try store.reopened().recoveryPointIDs() == [id])
            _ = try store.reopened().prune(request([]))
            for replica in 0..<3 { #expect(try packs(store, replica: replica) == whole) }
            #expect(try store.restore(id) == disk.bytes)
        }
    }

    @Test("A prune that is killed at any call loses nothing, and the next one ends the work")
    func killed() throws {
        try withTemporaryDirectory { directory in
            var kill = 0
            var isDone = false
            while !isDone {
                let place = directory.appending("kill-\(kill)")
                try LocalFileSystem().makeDirectory(place)
                let store = try TestStore(place, access: .home())
                let (one, other) = (
                    SyntheticDisk(seed: 16, byteCount: 20_000),
                    SyntheticDisk(seed: 17, byteCount: 20_000)
                )
                let gone = try store.backup(one.bytes, item: "one").id
                let kept = try store.backup(other.bytes, item: "other").id
                let failing = FailingFileSystem { [kill] in $0.count >= kill }
                do {
                    let report = try store.reopened(fileSystem: failing).prune(request([gone]))
                    isDone = report.obstacle == nil
                } catch is KuraError {}
                #expect(try store.restore(kept) == other.bytes, "kill \(kill)")
                if try store.reopened().recoveryPointIDs().contains(gone) {
                    #expect(try store.restore(gone) == one.bytes, "kill \(kill)")
                }
                _ = try store.reopened().prune(request([gone]))
                #expect(try store.restore(kept) == other.bytes, "kill \(kill)")
                let state = try #require(try store.reopened().state())
                let outgoing = try state.outgoingPacks()
                #expect(outgoing.isEmpty, "kill \(kill) \(outgoing)")
                let left = try packs(store, replica: 0)
                for replica in 1..<3 {
                    #expect(try packs(store, replica: replica) == left, "kill \(kill)")
                }
                try LocalFileSystem().removeTree(place)
                kill += kill < 250 ? 31 : 97
            }
        }
    }
}

/// A disk in memory that does something else before it is read for the first time.
private final class HookedSource: DiskSource {
    let name = "hooked"
    var knownByteCount: UInt64? { UInt64(content.count) }
    private let content: [UInt8]
    private let hook: Mutex<(@Sendable () throws -> Void)?>

    init(_ content: [UInt8], _ hook: @escaping @Sendable () throws -> Void) {
        self.content = content
        self.hook = Mutex(hook)
    }

    func nextData(in range: Range<UInt64>) -> Range<UInt64>? { range.isEmpty ? nil : range }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        let body = hook.withLock { hook in
            defer { hook = nil }
            return hook
        }
        do {
            try body?()
        } catch {
            throw KuraError(error)
        }
        let part = content.dropFirst(Int(offset)).prefix(target.count)
        target.copyBytes(from: part)
        return part.count
    }

    func firstBytes(_ count: Int) -> [UInt8] { Array(content.prefix(count)) }
    func hasChanged() -> Bool { false }
}
