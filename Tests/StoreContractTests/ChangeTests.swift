import KuraIO
import KuraReplicas
import SystemPackage
import Testing

@Suite("A store deletes, sets aside and swaps")
struct ChangeTests {
    @Test("Deleting takes all objects of a call", arguments: StoreKind.allCases)
    func delete(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let names = ["a", "b", "c"].map { fixture.points.object($0) }
            for name in names { try fixture.put(name, [1]) }
            try fixture.store.delete(names)
            for name in names { #expect(try !fixture.store.exists(name)) }
        }
    }

    @Test("Deleting what is not there is no error", arguments: StoreKind.allCases)
    func deleteMissing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.store.delete([name])
            try fixture.store.delete([])
        }
    }

    @Test("Deleting goes on behind what is not there", arguments: StoreKind.allCases)
    func deleteSome(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.put(fixture.points.object("b"), [1])
            try fixture.store.delete(["a", "b"].map { fixture.points.object($0) })
            #expect(try fixture.names(fixture.points) == [])
        }
    }

    @Test("A name that was deleted can be put again", arguments: StoreKind.allCases)
    func putAgain(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            try fixture.store.delete([name])
            #expect(try fixture.put(name, [2], .ifAbsent) == .written)
            #expect(try fixture.read(name) == [2])
        }
    }

    @Test(
        "What is set aside has its bytes under the other name alone", arguments: StoreKind.allCases)
    func setAside(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let folder = fixture.folder("quarantine")
            try fixture.store.prepare(folder)
            try fixture.put(name, [1, 2])
            try fixture.store.setAside(name, as: folder.object("bad"))
            #expect(try !fixture.store.exists(name))
            #expect(try fixture.read(folder.object("bad")) == [1, 2])
        }
    }

    @Test("Setting aside what is not there is not found", arguments: StoreKind.allCases)
    func setAsideMissing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let folder = fixture.folder("quarantine")
            try fixture.store.prepare(folder)
            let error = #expect(throws: IOError.self) {
                try fixture.store.setAside(name, as: folder.object("bad"))
            }
            #expect(error?.isNotFound == true)
        }
    }

    @Test("Names that are seen can be made durable", arguments: StoreKind.allCases)
    func makeDurable(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            try fixture.put(fixture.pack(1), [1])
            try fixture.put(fixture.pack(2), [1])
            try fixture.store.makeDurable([fixture.pack(1), fixture.pack(2)])
        }
    }

    @Test("A cell that was never written is nothing", arguments: StoreKind.allCases)
    func cellMissing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            #expect(try fixture.store.cell(name, max: 10) == nil)
        }
    }

    @Test("A cell is created where it must not exist", arguments: StoreKind.allCases)
    func cellCreate(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let tag = try fixture.store.swap(name, [1], expecting: nil)
            let cell = try fixture.store.cell(name, max: 10)
            #expect(tag != nil && cell == Cell(bytes: [1], tag: tag!))
        }
    }

    @Test("A cell that exists is not created again", arguments: StoreKind.allCases)
    func cellExists(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            _ = try fixture.store.swap(name, [1], expecting: nil)
            #expect(try fixture.store.swap(name, [2], expecting: nil) == nil)
            #expect(try fixture.store.cell(name, max: 10)?.bytes == [1])
        }
    }

    @Test("A cell is replaced by one who read it last", arguments: StoreKind.allCases)
    func cellSwap(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let first = try fixture.store.swap(name, [1], expecting: nil)
            let second = try fixture.store.swap(name, [2, 2], expecting: first)
            #expect(second != nil && second != first)
            #expect(try fixture.store.cell(name, max: 10)?.bytes == [2, 2])
        }
    }

    @Test("A cell is not replaced by one who read an older value", arguments: StoreKind.allCases)
    func cellStale(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let first = try fixture.store.swap(name, [1], expecting: nil)
            _ = try fixture.store.swap(name, [2], expecting: first)
            #expect(try fixture.store.swap(name, [3], expecting: first) == nil)
            #expect(try fixture.store.cell(name, max: 10)?.bytes == [2])
        }
    }

    @Test("A cell that is not there is not replaced", arguments: StoreKind.allCases)
    func cellGone(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            #expect(try fixture.store.swap(name, [3], expecting: Cell.Tag("old")) == nil)
            #expect(try fixture.store.cell(name, max: 10) == nil)
        }
    }

    @Test(
        "A cell that is longer than the caller believes is refused", arguments: StoreKind.allCases)
    func cellLong(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            _ = try fixture.store.swap(name, [1, 2, 3], expecting: nil)
            let error = #expect(throws: IOError.self) { try fixture.store.cell(name, max: 2) }
            #expect(error?.errno == .fileTooLarge)
        }
    }

    @Test("Of many writers that count in one cell none is lost", arguments: StoreKind.allCases)
    func cellRace(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let done = Threads.map(4) { _ in
                var done = 0
                while done < 5 {
                    do throws(IOError) {
                        let cell = try fixture.store.cell(name, max: 10)
                        let next = (cell?.bytes[0] ?? 0) + 1
                        let tag = try fixture.store.swap(name, [next], expecting: cell?.tag)
                        if tag != nil { done += 1 }
                    } catch {
                        return -1
                    }
                }
                return done
            }
            #expect(done == [5, 5, 5, 5])
            #expect(try fixture.store.cell(name, max: 10)?.bytes == [20])
        }
    }
}
