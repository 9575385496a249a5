import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("Filling a new replica") struct FillingTests {
    private func store(_ directory: FilePath) throws -> (TestStore, [RecoveryPointID: [UInt8]]) {
        let store = try TestStore(directory)
        var points: [RecoveryPointID: [UInt8]] = [:]
        for seed in 0..<2 {
            let disk = SyntheticDisk(seed: UInt64(seed), byteCount: 80_000).bytes
            points[try store.backup(disk).id] = disk
        }
        return (store, points)
    }

    /// Fills the replica as `kura replicate` does.
    private func fill(_ replica: Int, _ vault: Vault) throws {
        let filling = try vault.region.beginFilling(replica)
        let report = try vault.catchUp(filling: [filling])
        if let failure = report.failures[replica] { throw failure }
        try vault.region.finishFilling(replica)
    }

    @Test("makes it equal to the others, from one of them alone")
    func fills() throws {
        try withTemporaryDirectory { directory in
            let (store, points) = try store(directory)
            for replica in [0, 2] {
                removeTree(store.region.replicas[replica].path)
                try LocalFileSystem().makeDirectory(store.region.replicas[replica].path)
            }
            try LocalFileSystem().makeDirectory(
                store.region.replicas[0].path.appending("lost+found"))
            for replica in [0, 2] {
                #expect(try store.reopened().region.vacancy(of: replica) == .empty)
                try fill(replica, store.reopened())
            }
            try store.expectEqualReplicas()
            try store.takeAway(1)
            for (id, bytes) in points { #expect(try store.restore(id) == bytes) }
        }
    }

    @Test("killed at any call leaves a missing replica, and goes on when it is run again")
    func killed() throws {
        try withTemporaryDirectory { directory in
            let (store, points) = try store(directory)
            let path = store.region.replicas[1].path
            var number = Int.random(in: 0..<40)
            var isDone = false
            while !isDone {
                removeTree(path)
                try LocalFileSystem().makeDirectory(path)
                let limit = number
                let failing = FailingFileSystem { $0.count >= limit }
                try? fill(1, store.reopened(fileSystem: failing))
                isDone = failing.callCount <= limit
                if store.reopened().replicas.count < 3 {
                    #expect(try store.reopened().region.vacancy(of: 1) != .occupied, "\(number)")
                    // What is half there is no evidence, and no copy.
                    #expect(try store.reopened().pointHolders().values.allSatisfy { $0 == [0, 2] })
                    try fill(1, store.reopened())
                }
                #expect(store.reopened().replicas.count == 3)
                try store.expectEqualReplicas("call \(number)")
                number += Int.random(in: 40...90)
            }
            let report = try store.reopened().verify(VerifyRequest(level: .chunks))
            #expect(report.damaged.isEmpty)
            for (id, bytes) in points { #expect(try store.restore(id) == bytes) }
        }
    }

    @Test("leaves a directory alone that is somebody else's")
    func foreign() throws {
        try withTemporaryDirectory { directory in
            let (store, _) = try store(directory)
            let path = store.region.replicas[1].path
            removeTree(path)
            try LocalFileSystem().makeDirectory(path)
            try writeFile([1], to: path.appending("photo.jpg"))
            let region = store.reopened().region
            #expect(try region.vacancy(of: 1) == .occupied)
            let error = #expect(throws: KuraError.self) { try region.beginFilling(1) }
            #expect(error?.code == .exists)
            #expect(try LocalFileSystem().list(path) == ["photo.jpg"])
            // Half filled, but as another replica.
            removeTree(path)
            try LocalFileSystem().makeDirectory(path)
            let other = ReplicaRecord(
                region: store.region.id, regionName: "test", ordinal: 2, created: 0,
                id: .random())
            try writeFile(other.encoded(), to: path.appending("filling"))
            #expect(try region.vacancy(of: 1) == .occupied)
            removeTree(FilePath(path.string))
            #expect(try region.vacancy(of: 1) == .empty)
        }
    }

    @Test("says beforehand what it will copy, and that is what it copies")
    func plan() throws {
        try withTemporaryDirectory { directory in
            let (store, _) = try store(directory)
            let path = store.region.replicas[2].path
            let before = try store.tree(replica: 2)
            removeTree(path)
            let vault = store.reopened()
            let replica = vault.region.replicas[2]
            let planned = try vault.catchUpPlan(filling: [replica]).amount(for: 2)
            #expect(!(try LocalFileSystem().exists(path)))
            #expect(planned.files == before.count)
            #expect(planned.bytes == before.values.reduce(0) { $0 + UInt64($1.count) })
            #expect(planned.points == 2)
            let filling = try vault.region.beginFilling(2)
            #expect(try vault.catchUp(filling: [filling]).copied[2] == planned)
        }
    }
}
