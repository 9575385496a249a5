import Glibc
import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Faults") struct FaultTests {
    @Test("A backup whose n-th change to the disk fails harms nothing, and the next one succeeds")
    func everyCall() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let base = SyntheticDisk(seed: 31, byteCount: 60_000)
            var disk = base
            var last = try store.backup(disk.bytes)
            // How many calls one backup makes is counted first.
            let counting = FailingFileSystem { _ in false }
            try store.backup(disk.edited(seed: 1).bytes, into: store.reopened(fileSystem: counting))
            let total = counting.callCount
            #expect(total > 20)
            // Every third call, from another start in each run: all of them are met in time.
            for number in stride(from: Int.random(in: 0..<3), to: total, by: 3) {
                let before = disk.bytes
                disk = base.edited(seed: UInt64(number))
                let failing = FailingFileSystem(.noSpace) { $0.count == number }
                let attempt = Result {
                    try store.backup(disk.bytes, into: store.reopened(fileSystem: failing))
                }
                if case .failure(let error) = attempt {
                    #expect((error as? KuraError)?.code == .noSpace, "call \(number)")
                }
                #expect(try store.restore(last.id) == before, "call \(number)")
                last = try store.backup(disk.bytes, into: store.reopened())
                #expect(try store.restore(last.id) == disk.bytes, "call \(number)")
                // Verifying all points after each call would take the square of the time.
                let request = VerifyRequest(level: .chunks, point: last.id)
                let report = try store.reopened().verify(request)
                #expect(report.damaged.isEmpty, "call \(number): \(report.damaged)")
                for replica in 0..<3 {
                    #expect(try store.files("tmp", replica: replica).isEmpty, "call \(number)")
                    #expect(try store.files("sessions", replica: replica).isEmpty)
                }
            }
            let report = try store.reopened().verify(VerifyRequest(level: .chunks))
            #expect(report.damaged.isEmpty)
        }
    }

    @Test("A cancelled backup makes no recovery point, and the next one goes on from it")
    func cancelled() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, mean: 32768)
            let disk = SyntheticDisk(seed: 4, byteCount: 40 << 20).bytes
            let cancellation = Cancellation()
            cancellation.cancel()
            let error = #expect(throws: KuraError.self) {
                try store.backup(disk, cancellation: cancellation)
            }
            #expect(error?.code == .interrupted)
            #expect(try store.vault.recoveryPointIDs().isEmpty)
            #expect(try store.restore(store.backup(disk).id) == disk)
        }
    }

    @Test("A second backup of the same item is refused and told who holds it")
    func locked() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let pipe = try Pipe()
            let disk = BackupRequest.Disk(
                name: "d",
                source: StreamSource(descriptor: pipe.reading, name: "pipe"))
            let request = BackupRequest(item: "item", disks: [disk], threads: 1)
            Threads.run(2) { index in
                if index == 0 {
                    // Holds the item until the other thread closes the pipe.
                    _ = try? store.vault.backup(request)
                } else {
                    while store.vault.openSessions().isEmpty {}
                    let error = #expect(throws: KuraError.self) {
                        try store.backup([1], into: store.reopened(waits: WaitPolicy(limit: 0)))
                    }
                    #expect(error?.code == .locked)
                    #expect(error?.message.contains("process") == true)
                    pipe.closeWriting()
                }
            }
            pipe.closeReading()
        }
    }

    @Test("Two items are backed up at the same time")
    func twoItems() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 77, byteCount: 4 << 20).bytes
            Threads.run(2) { index in
                do {
                    try store.backup(disk, item: "item-\(index)")
                } catch {
                    Issue.record(error)
                }
            }
            for (id, _) in try store.vault.recoveryPoints() {
                #expect(try store.restore(id) == disk)
            }
            #expect(try store.vault.recoveryPointIDs().count == 2)
        }
    }

    @Test("A backup needs two replicas of three; a restore needs one")
    func missingReplica() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 2, byteCount: 300_000).bytes
            let first = try store.backup(disk)
            #expect(!first.isUnderReplicated)
            removeTree(store.region.replicas[0].path)
            let second = try store.backup(disk, into: store.reopened())
            #expect(second.replicas == [1, 2])
            #expect(second.absences.map(\.code) == [.replicaMissing])
            removeTree(store.region.replicas[1].path)
            let error = #expect(throws: KuraError.self) {
                try store.backup(disk, into: store.reopened())
            }
            #expect(error?.code == .replicaMissing)
            #expect(try store.reopened().recoveryPointIDs().count == 2)
            #expect(try store.restore(first.id) == disk)
            #expect(try store.restore(second.id) == disk)
            removeTree(store.region.replicas[2].path)
            #expect(throws: KuraError.self) { try store.restore(first.id) }
        }
    }

    @Test("An empty directory in place of a replica is a missing replica")
    func emptyReplica() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            try store.backup([1, 2, 3])
            removeTree(store.region.replicas[0].path)
            try LocalFileSystem().makeDirectory(store.region.replicas[0].path)
            #expect(try store.backup([4], into: store.reopened()).replicas == [1, 2])
            #expect(try LocalFileSystem().list(store.region.replicas[0].path).isEmpty)
        }
    }

    @Test("A point in one replica is no damage until the session that died is forgotten")
    func halfPublished() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let point = try store.backup([1, 2, 3]).id
            // A session that died, and what it leaves when it dies while its point goes out.
            let failing = FailingFileSystem {
                $0.operation == .rename && $0.path.string.contains("/index/")
            }
            #expect(throws: KuraError.self) {
                try store.backup([4, 5, 6], into: store.reopened(fileSystem: failing))
            }
            for replica in 1...2 {
                for file in try store.files("points", replica: replica) where file.stem == point.hex
                {
                    unlink(file.string)
                }
            }
            let found = try store.reopened().verify(VerifyRequest(level: .chunks))
            #expect(found.damaged.isEmpty && found.warnings.count == 2, "\(found.warnings)")
            for replica in 0..<3 {
                for record in try store.files("sessions", replica: replica) {
                    unlink(record.string)
                }
            }
            let later = try store.reopened().verify(VerifyRequest(level: .chunks))
            #expect(later.damaged.map(\.kind) == [.missing, .missing])
            #expect(later.warnings.isEmpty)
        }
    }

    @Test("A pack that a killed backup left in two replicas is completed, and is no damage")
    func halfWrittenPack() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let disk = SyntheticDisk(seed: 4, byteCount: 200_000).bytes
            let failing = FailingFileSystem {
                $0.operation == .rename && $0.path.string.contains("/index/")
            }
            #expect(throws: KuraError.self) {
                try store.backup(disk, into: store.reopened(fileSystem: failing))
            }
            for pack in try store.files("packs", replica: 0) { unlink(pack.string) }
            let vault = store.reopened()
            let report = try store.backup(disk, into: vault)
            #expect(report.warnings.isEmpty && vault.damage.isEmpty, "\(vault.damage)")
            #expect(try store.restore(report.id) == disk)
            #expect(try store.reopened().verify(VerifyRequest(level: .chunks)).damaged.isEmpty)
        }
    }
}
