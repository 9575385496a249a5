import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import KuraSeal
import KuraStore
import SystemPackage
import TestSupport
import Testing

extension LogAccess {
    /// Of a home with a new key.
    static func home() throws -> LogAccess {
        LogAccess(key: try .random(), surface: .commandLine, actor: "tester@host")
    }
}

extension TestStore {
    /// Takes a replica away, as an unmounted disk is; `false` brings it back.
    func hide(_ replica: Int, _ hidden: Bool = true) throws {
        let path = region.replicas[replica].path
        let away = FilePath(path.string + "-away")
        try LocalFileSystem().rename(
            hidden ? path : away, to: hidden ? away : path, replacing: false)
    }

    /// Number of the newest record.
    func recordNumber() throws -> UInt64 { try reopened().state()?.position?.number ?? 0 }
}

@Suite("A vault with a log") struct LoggedVaultTests {
    private func withStore(
        copies: UInt8 = 3, minCopies: UInt8? = nil, _ body: (TestStore) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            try body(
                TestStore(directory, copies: copies, minCopies: minCopies, access: .home()))
        }
    }

    @Test("What was backed up is listed and restored", arguments: [1, 2, 3] as [UInt8])
    func roundTrip(copies: UInt8) throws {
        try withStore(copies: copies) { store in
            let first = SyntheticDisk(seed: 1, byteCount: 200_000)
            let second = first.edited(seed: 2)
            let ids = [try store.backup(first.bytes).id, try store.backup(second.bytes).id]
            let vault = store.reopened()
            #expect(try vault.recoveryPointIDs() == ids.sorted())
            #expect(try vault.recoveryPoints().map(\.point.sequence) == [2, 1])
            #expect(try store.restore(ids[0]) == first.bytes)
            #expect(try store.restore(ids[1]) == second.bytes)
            let all = (0..<Int(copies)).map { $0 }
            #expect(try vault.pointHolders().values.allSatisfy { $0 == all })
        }
    }

    @Test("A region tells of the vault what its log says")
    func survey() throws {
        try withStore { store in
            let found = try store.reopened().region.survey()
            let record = try #require(found.records[store.vault.id]?.first)
            #expect(record.name == "vault" && record.copies == 3 && record.minCopies == 2)
            #expect(record.created > 0 && record.activeRegion == store.region.id)
            #expect(found.unreadable.isEmpty && found.problems.isEmpty)
        }
    }

    @Test("A program that uses no logs takes such a vault for one of a newer Kura")
    func tooNew() throws {
        try withStore { store in
            let region = Region(
                id: store.region.id, name: "test", replicas: store.region.replicas.map(\.path))
            let found = try region.survey()
            #expect(found.records.isEmpty)
            #expect(found.unreadable[store.vault.id]?.code == .unsupported)
            #expect(throws: KuraError.self) { try region.vaults() }
            let vault = Vault(region: region, record: store.vault.record)
            #expect(throws: KuraError.self) { try vault.recoveryPointIDs() }
        }
    }

    @Test("A backup without changes adds one record, and no pack or run")
    func unchanged() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 3, byteCount: 200_000)
            try store.backup(disk.bytes)
            let before = try store.files("packs", replica: 0) + store.files("index", replica: 0)
            let number = try store.recordNumber()
            try store.backup(disk.bytes)
            let after = try store.files("packs", replica: 0) + store.files("index", replica: 0)
            #expect(try store.recordNumber() == number + 1)
            #expect(after == before)
        }
    }

    @Test("A replica that was away gets packs, runs and records with the next backup")
    func returningReplica() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 4, byteCount: 200_000)
            try store.backup(disk.bytes)
            try store.hide(1)
            let second = try store.backup(disk.edited(seed: 5).bytes, into: store.reopened())
            #expect(second.replicas == [0, 2])
            #expect(try store.reopened().pointHolders()[second.id] == [0, 2])
            try store.hide(1, false)
            #expect(try store.reopened().pointHolders()[second.id] == [0, 2])
            try store.backup(disk.edited(seed: 6).bytes, into: store.reopened())
            #expect(try store.reopened().pointHolders()[second.id] == [0, 1, 2])
            // It has everything by itself.
            try store.hide(0)
            try store.hide(2)
            #expect(try store.restore(second.id) == disk.edited(seed: 5).bytes)
        }
    }

    @Test("With too few replicas a backup fails, and no point appears")
    func tooFew() throws {
        try withStore { store in
            try store.hide(1)
            try store.hide(2)
            let disk = SyntheticDisk(seed: 7, byteCount: 100_000)
            let error = #expect(throws: KuraError.self) {
                try store.backup(disk.bytes, into: store.reopened())
            }
            #expect(error?.code == .replicaMissing)
            try store.hide(1, false)
            try store.hide(2, false)
            #expect(try store.reopened().recoveryPointIDs().isEmpty)
        }
    }

    @Test("A home without a key reads, and is told that it may not write")
    func readOnly() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 8, byteCount: 100_000)
            let id = try store.backup(disk.bytes).id
            let reader = store.reopened(access: LogAccess())
            #expect(try store.restore(id, from: reader) == disk.bytes)
            let error = #expect(throws: KuraError.self) {
                try store.backup(disk.edited(seed: 9).bytes, into: reader)
            }
            #expect(error?.code == .refused)
            let stranger = store.reopened(access: try .home())
            #expect(throws: KuraError.self) {
                try store.backup(disk.edited(seed: 9).bytes, into: stranger)
            }
            #expect(try store.reopened().recoveryPointIDs() == [id])
        }
    }

    @Test("Runs are merged by a record, and the files of the old ones go")
    func merge() throws {
        try withStore { store in
            var disks = [SyntheticDisk(seed: 10, byteCount: 100_000)]
            for seed in 11..<19 { disks.append(disks[disks.count - 1].edited(seed: UInt64(seed))) }
            let ids = try disks.map { try store.backup($0.bytes).id }
            let live = try #require(try store.reopened().state()).liveRuns()
            #expect(live.count < 8)
            for replica in 0..<3 {
                let files = try store.files("index", replica: replica)
                #expect(Set(files.map(\.lastComponent?.string)) == Set(live.map(\.run.id.hex)))
            }
            for (disk, id) in zip(disks, ids) { #expect(try store.restore(id) == disk.bytes) }
        }
    }

    @Test("A point that somebody puts beside the log is no point")
    func forgedPoint() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 20, byteCount: 100_000)
            let report = try store.backup(disk.bytes)
            var forged = report.point
            forged.sequence = 7
            let bytes = forged.encoded()
            let (_, id) = try RecoveryPoint.decode(bytes)
            for replica in 0..<3 {
                let folder = store.vaultPath(replica: replica).appending("points")
                try LocalFileSystem().makeDirectories(folder)
                try writeFile(bytes, to: folder.appending(id.hex))
            }
            #expect(try store.reopened().recoveryPointIDs() == [report.id])
            #expect(throws: KuraError.self) { try store.reopened().recoveryPoint(id) }
        }
    }

    @Test("A backup that is killed at any call has made its point or not, and the next one works")
    func killed() throws {
        try withStore { store in
            let disk = SyntheticDisk(seed: 21, byteCount: 60_000)
            let first = try store.backup(disk.bytes).id
            let edited = disk.edited(seed: 22)
            var acknowledged = [first: disk.bytes]
            var kill = 0
            var isDone = false
            while !isDone {
                let failing = FailingFileSystem { [kill] in $0.count >= kill }
                do {
                    let id = try store.backup(
                        edited.bytes, threads: 1, into: store.reopened(fileSystem: failing)
                    ).id
                    acknowledged[id] = edited.bytes
                    isDone = true
                } catch is KuraError {}
                let vault = store.reopened()
                for id in try vault.recoveryPointIDs() {
                    let bytes = try store.restore(id, from: vault)
                    #expect(bytes == (id == first ? disk.bytes : edited.bytes), "kill \(kill)")
                }
                for id in acknowledged.keys {
                    #expect(try vault.recoveryPoint(id).item == "item", "kill \(kill)")
                }
                kill += kill < 400 ? 37 : 13
            }
            let last = try store.backup(disk.edited(seed: 23).bytes).id
            #expect(try store.restore(last) == disk.edited(seed: 23).bytes)
        }
    }
}
