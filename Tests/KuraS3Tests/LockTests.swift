import KuraIO
import KuraReplicas
import KuraS3
import ScriptedServer
import Testing

@Suite("Locks in a bucket")
struct LockTests {
    private func name(_ fixture: Fixture) -> StoreName { fixture.folder("locks").object("commit") }

    @Test("A holder that is no longer heard of loses its lock")
    func expired() throws {
        let fixture = try Fixture()
        let name = name(fixture)
        let lock = try fixture.store.tryLock(name)
        #expect(try fixture.store.tryLock(name) == nil)
        let other = try Fixture.second(of: fixture, lease: -1)
        #expect(try !other.isLocked(name))
        let second = try other.tryLock(name)
        #expect(second != nil)
        // The first one may not end the lock of the second.
        lock?.release(removing: true)
        #expect(try fixture.store.isLocked(name))
        second?.release(removing: true)
        #expect(try !fixture.store.isLocked(name))
    }

    @Test("The note of a holder is read by those who wait")
    func note() throws {
        let fixture = try Fixture()
        let lock = try fixture.store.openLock(name(fixture))
        let holder = LockHolder.current("backup")
        #expect(try lock.take(note: holder.encoded()))
        let place = StoreLockPlace(name(fixture), in: fixture.store)
        #expect(try LockHolder(decoding: place.note(max: LockHolder.byteCount)) == holder)
        lock.release(removing: true)
    }

    @Test("A lock whose answer is lost is held")
    func lostAnswer() throws {
        let fixture = try Fixture()
        fixture.server.inject(.lostAnswer) { $0.method == "PUT" }
        let lock = try fixture.store.tryLock(name(fixture))
        #expect(lock != nil)
        #expect(try fixture.store.isLocked(name(fixture)))
        lock?.release(removing: true)
    }

    @Test("A lock that holds anything is free")
    func nonsense() throws {
        let fixture = try Fixture()
        fixture.server.put("p/\(name(fixture).key)", [1, 2, 3])
        #expect(try !fixture.store.isLocked(name(fixture)))
        let lock = try fixture.store.tryLock(name(fixture))
        #expect(lock != nil)
        lock?.release(removing: true)
    }
}

extension Fixture {
    /// Another store in the same bucket.
    fileprivate static func second(of fixture: Fixture, lease: Int64) throws -> S3Store {
        var options = S3Options()
        options.lease = lease
        return S3Store(
            S3Client(
                fixture.client.address, S3Credentials(accessKey: "a", secretKey: "s"),
                options: options),
            .standard)
    }
}
