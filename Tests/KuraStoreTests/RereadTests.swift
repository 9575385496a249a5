import Glibc
import KuraCodec
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Re-reading what has not changed") struct RereadTests {
    private let key = MACKey(Digest(words: (1, 2, 3, 4)))

    /// One parent's chunk over the whole window, as the hints see it.
    private func match(
        id: ChunkID, code: ChunkMAC?, bytes: [UInt8], isProof: Bool, hasKey: Bool = true
    ) throws -> Bool {
        let hints = ParentHints(hasKey ? ChunkAuthenticator(key) : nil)
        let parent = ExtentChunk(offset: 0, byteCount: bytes.count, id: id, mac: code)
        hints.begin([parent], extentStart: 0, isProof: isProof)
        hints.beginWindow(at: 0)
        return bytes.withUnsafeBytes { window in
            hints.add(from: 0, to: window.count, of: window)
            hints.recognise()
            return hints.match(at: 0, runEnd: window.count) != nil
        }
    }

    private func code(of bytes: [UInt8]) throws -> ChunkMAC {
        let authenticator = try #require(ChunkAuthenticator(key))
        return bytes.withUnsafeBytes { authenticator.code(of: $0) }
    }

    private let bytes = [UInt8](repeating: 5, count: 9000)
    private let otherName = SHA256.digest([1])

    @Test("The code alone tells that a chunk is still there")
    func codeDecides() throws {
        let code = try code(of: bytes)
        #expect(try match(id: otherName, code: code, bytes: bytes, isProof: false))
        var changed = bytes
        changed[8999] ^= 1
        #expect(try !match(id: otherName, code: code, bytes: changed, isProof: false))
    }

    @Test("An extent that is read as proof asks SHA-256, whatever the code says")
    func proofDecides() throws {
        let name = SHA256.digest(bytes)
        #expect(try !match(id: otherName, code: code(of: bytes), bytes: bytes, isProof: true))
        #expect(try match(id: name, code: ChunkMAC(0, 0), bytes: bytes, isProof: true))
    }

    @Test("Without a key, and where the parent has no codes, SHA-256 decides")
    func withoutCodes() throws {
        let name = SHA256.digest(bytes)
        let code = try code(of: bytes)
        #expect(try match(id: name, code: nil, bytes: bytes, isProof: false))
        #expect(try !match(id: otherName, code: nil, bytes: bytes, isProof: false))
        #expect(
            try !match(
                id: otherName, code: code, bytes: bytes, isProof: false, hasKey: false))
    }

    @Test("Within as many backups as there are rounds each extent is read as proof once")
    func proofRounds() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let count = Tuning.proofRounds + 5
            try writeFile([], to: path)
            #expect(truncate(path.string, count * Limits.extentBytes) == 0)
            var proofs = [Int](repeating: 0, count: count)
            for round in 0..<Tuning.proofRounds {
                let disk = BackupRequest.Disk(name: "d", source: try FileSource(path))
                let tasks = ExtentTasks([disk], sequence: UInt64(round))
                while let task = try tasks.next() {
                    if task.isProof { proofs[task.number] += 1 }
                }
            }
            #expect(proofs == Array(repeating: 1, count: count))
        }
    }

    @Test("A paranoid backup reads every extent as proof, and makes the same recovery point")
    func paranoid() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 33, byteCount: 3 << 20)
            let first = try store.backup(disk.bytes)
            let path = directory.appending("disk")
            try writeFile(disk.bytes, to: path)
            var request = BackupRequest(
                item: "item",
                disks: [.init(name: "disk", source: try FileSource(path))], threads: 1)
            request.isParanoid = true
            let again = try store.vault.backup(request)
            #expect(again.point.disks[0].root == first.point.disks[0].root)
            #expect(again.point.storedBytes == 0)
        }
    }

    @Test("Days of small changes restore to the byte, each, and cut as a first backup does")
    func days() throws {
        try forAll(cases: 4) { seed, random in
            try withTemporaryDirectory { directory in
                let store = try TestStore(directory)
                var bytes = SyntheticDisk(seed: seed, byteCount: 2 << 20).bytes
                for _ in 0..<6 {
                    for _ in 0..<Int.random(in: 0...4, using: &random) {
                        let place = Int.random(in: 0..<bytes.count, using: &random)
                        bytes[place] ^= UInt8.random(in: 1...255, using: &random)
                    }
                    let day = try store.backup(bytes)
                    #expect(try store.restore(day.id) == bytes, "seed \(seed)")
                    let alone = try store.backup(bytes, item: "item-\(day.point.sequence)")
                    #expect(
                        alone.point.disks[0].root == day.point.disks[0].root, "seed \(seed)")
                }
            }
        }
    }

    @Test("A vault without a key goes on without codes")
    func vaultWithoutKey() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, macKey: nil)
            let disk = SyntheticDisk(seed: 34, byteCount: 2 << 20)
            try store.backup(disk.bytes)
            let again = try store.backup(disk.bytes)
            #expect(again.point.storedBytes == 0)
            #expect(try store.restore(again.id) == disk.bytes)
        }
    }
}
