import KuraFormat
import KuraIO
import KuraReplicas
import Testing

@Suite("A store lists what it holds")
struct ListTests {
    @Test("A folder without objects is empty", arguments: StoreKind.allCases)
    func empty(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            #expect(try fixture.names(fixture.points) == [])
        }
    }

    @Test("Every object of a folder is listed once", arguments: StoreKind.allCases)
    func once(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            for name in ["c", "a", "b", "e", "d", "g", "f"] {
                try fixture.put(fixture.points.object(name), [1])
            }
            #expect(try fixture.names(fixture.points) == ["a", "b", "c", "d", "e", "f", "g"])
        }
    }

    @Test("Objects of other folders are not listed", arguments: StoreKind.allCases)
    func others(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.put(fixture.points.object("a"), [1])
            try fixture.put(fixture.folder("sessions").object("b"), [1])
            #expect(try fixture.names(fixture.points) == ["a"])
        }
    }

    @Test(
        "A folder whose name begins with that of another is not listed with it",
        arguments: StoreKind.allCases)
    func prefix(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.store.prepare(fixture.folder("points2"))
            try fixture.put(fixture.folder("points2").object("b"), [1])
            #expect(try fixture.names(fixture.points) == [])
        }
    }

    @Test(
        "Packs are listed as one folder, although they lie in many", arguments: StoreKind.allCases)
    func packs(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let firsts: [UInt8] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF]
            for first in firsts { try fixture.put(fixture.pack(first), [first]) }
            let names = firsts.map { String(fixture.pack($0).leaf) }
            #expect(try fixture.names(fixture.packs) == names)
        }
    }

    @Test("Packs whose names begin alike are listed by themselves", arguments: StoreKind.allCases)
    func shard(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.put(fixture.pack(0x10), [1])
            try fixture.put(fixture.pack(0x11), [1])
            let names = try fixture.names(fixture.packs.folder("10"))
            #expect(names == [String(fixture.pack(0x10).leaf)])
        }
    }

    @Test("Vaults are listed by their folders", arguments: StoreKind.allCases)
    func vaults(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = StoreName("vaults/\(fixture.vault.hex)/vault")
            try fixture.put(name, [1])
            #expect(try fixture.names(StoreFolder("vaults")) == [fixture.vault.hex])
        }
    }

    @Test("The root lists records and no drafts", arguments: StoreKind.allCases)
    func root(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            _ = try fixture.store.upload(in: .root, by: fixture.session)
            try fixture.put(StoreName("replica"), [1], .replacing)
            try fixture.put(fixture.points.object("a"), [1])
            #expect(try fixture.names(.root) == ["replica", "vaults"])
        }
    }

    @Test("Pages follow each other without a gap or a name twice", arguments: StoreKind.allCases)
    func pages(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            for first: UInt8 in 0..<20 { try fixture.put(fixture.pack(first), [1]) }
            var pages: [[String]] = []
            var mark: ListMark?
            repeat {
                let page = try fixture.store.list(fixture.packs, after: mark)
                pages.append(page.names)
                mark = page.next
            } while mark != nil
            #expect(pages.joined().sorted() == (0..<20).map { String(fixture.pack($0).leaf) })
            #expect(pages.count > 1)
        }
    }

    @Test("Names come in ascending order where the store says so", arguments: StoreKind.allCases)
    func order(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            for name in ["c", "a", "b", "e", "d"] {
                try fixture.put(fixture.points.object(name), [1])
            }
            let names = try fixture.store.names(in: fixture.points)
            if fixture.store.traits.ordersListings { #expect(names == names.sorted()) }
        }
    }

    @Test(
        "A folder that is not there is not found, or empty where there are no folders",
        arguments: StoreKind.allCases)
    func missing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let folder = fixture.folder("dropped")
            if fixture.store.traits.hasFolders {
                let error = #expect(throws: IOError.self) { try fixture.store.names(in: folder) }
                #expect(error?.isNotFound == true)
            } else {
                #expect(try fixture.store.names(in: folder) == [])
            }
            #expect(try fixture.store.namesIfPresent(in: folder) == [])
        }
    }

    @Test("What was put is listed at once", arguments: StoreKind.allCases)
    func atOnce(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.put(fixture.points.object("a"), [1])
            #expect(try fixture.names(fixture.points) == ["a"])
        }
    }

    @Test("What was deleted is not listed any more", arguments: StoreKind.allCases)
    func deleted(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.put(fixture.points.object("a"), [1])
            try fixture.put(fixture.points.object("b"), [1])
            try fixture.store.delete([fixture.points.object("a")])
            #expect(try fixture.names(fixture.points) == ["b"])
        }
    }
}
