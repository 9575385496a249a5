import KuraIO
import KuraReplicas
import Testing

@Suite("A store keeps locks and its place")
struct PlaceTests {
    @Test("A lock that is free is taken", arguments: StoreKind.allCases)
    func lock(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            let lock = try fixture.store.tryLock(name)
            #expect(lock != nil)
            lock?.release(removing: false)
        }
    }

    @Test("A lock has one holder", arguments: StoreKind.allCases)
    func oneHolder(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            let lock = try fixture.store.tryLock(name)
            #expect(try fixture.store.tryLock(name) == nil)
            lock?.release(removing: false)
        }
    }

    @Test("A lock that was released is free", arguments: StoreKind.allCases)
    func released(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            try fixture.store.tryLock(name)?.release(removing: false)
            let again = try fixture.store.tryLock(name)
            #expect(again != nil)
            again?.release(removing: true)
        }
    }

    @Test("A lock ends with its last reference", arguments: StoreKind.allCases)
    func reference(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            do {
                let lock = try fixture.store.tryLock(name)
                #expect(lock != nil)
            }
            #expect(try !fixture.store.isLocked(name))
        }
    }

    @Test("A lock that is held is locked", arguments: StoreKind.allCases)
    func isLocked(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            let lock = try fixture.store.tryLock(name)
            #expect(try fixture.store.isLocked(name))
            lock?.release(removing: false)
            #expect(try !fixture.store.isLocked(name))
        }
    }

    @Test("Asking for a lock does not create it", arguments: StoreKind.allCases)
    func askCreates(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            #expect(try !fixture.store.isLocked(name))
            #expect(try fixture.names(fixture.folder("locks")) == [])
        }
    }

    @Test("A lock is listed in its folder until it is removed", arguments: StoreKind.allCases)
    func listed(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            let lock = try fixture.store.tryLock(name)
            #expect(try fixture.names(fixture.folder("locks")) == ["commit"])
            lock?.release(removing: true)
            #expect(try fixture.names(fixture.folder("locks")) == [])
        }
    }

    @Test("Locks of different names do not meet", arguments: StoreKind.allCases)
    func twoLocks(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.folder("locks").object("commit")
            let first = try fixture.store.tryLock(name)
            let second = try fixture.store.tryLock(fixture.folder("locks").object("other"))
            #expect(first != nil && second != nil)
            first?.release(removing: true)
            second?.release(removing: true)
        }
    }

    @Test("A store that was created has a root without records", arguments: StoreKind.allCases)
    func created(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            #expect(try fixture.store.condition() != .absent)
            try Fixture.withEmptyStore(kind) { store throws in
                try store.create()
                #expect(try store.condition() == .present([]))
            }
        }
    }

    @Test("A store that was not created is absent", arguments: StoreKind.allCases)
    func absent(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try Fixture.withEmptyStore(kind) { store throws in
                #expect(try store.condition() == .absent)
            }
        }
    }

    @Test("Creating a store again changes nothing", arguments: StoreKind.allCases)
    func createTwice(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.put(StoreName("replica"), [1], .replacing)
            try fixture.store.create()
            #expect(try fixture.read(StoreName("replica")) == [1])
        }
    }

    @Test("Preparing a vault again changes nothing", arguments: StoreKind.allCases)
    func prepareTwice(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            try fixture.store.prepare(vault: fixture.vault)
            #expect(try fixture.read(name) == [1])
        }
    }

    @Test("A folder that was prepared is prepared and takes objects", arguments: StoreKind.allCases)
    func prepared(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let folder = fixture.folder("journal")
            try fixture.store.prepare(folder)
            try fixture.store.prepare(folder)
            #expect(try fixture.store.isPrepared(folder))
            try fixture.put(folder.object("a"), [1])
            #expect(try fixture.names(folder) == ["a"])
        }
    }

    @Test(
        "A folder is prepared from the start where there are no folders",
        arguments: StoreKind.allCases)
    func notPrepared(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let isPrepared = try fixture.store.isPrepared(fixture.folder("journal"))
            #expect(isPrepared == !fixture.store.traits.hasFolders)
        }
    }

    @Test("A store of this machine knows its room", arguments: StoreKind.allCases)
    func room(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let room = try fixture.store.room()
            #expect((room != nil) == fixture.store.traits.isLocal)
            if kind == .directory { #expect(room!.freeBytes > 0) }
        }
    }

    @Test("A store that its owner alone can change is trusted", arguments: StoreKind.allCases)
    func trusted(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.store.requireTrusted()
        }
    }
}
