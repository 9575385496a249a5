import KuraFormat
import KuraIO
import KuraReplicas
import SystemPackage
import Testing

@Suite("A store gives objects back")
struct ReadTests {
    @Test("Opening what is not there is not found", arguments: StoreKind.allCases)
    func openMissing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let error = #expect(throws: IOError.self) { try fixture.store.open(name) }
            #expect(error?.isNotFound == true)
        }
    }

    @Test("The status of what is not there is not found", arguments: StoreKind.allCases)
    func statusMissing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let error = #expect(throws: IOError.self) { try fixture.store.status(name) }
            #expect(error?.isNotFound == true)
        }
    }

    @Test("Something in a vault that is not there is not found", arguments: StoreKind.allCases)
    func vaultMissing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = StoreName("vaults/\(UniqueID.random().hex)/vault")
            let error = #expect(throws: IOError.self) { try fixture.store.open(name) }
            #expect(error?.isNotFound == true)
        }
    }

    @Test("What is not there does not exist", arguments: StoreKind.allCases)
    func existsNot(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            #expect(try !fixture.store.exists(name))
        }
    }

    @Test("What was put exists", arguments: StoreKind.allCases)
    func exists(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            #expect(try fixture.store.exists(name))
        }
    }

    @Test("A reader knows the length of its object", arguments: StoreKind.allCases)
    func length(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1, 2, 3])
            #expect(try fixture.store.open(name).byteCount() == 3)
        }
    }

    @Test("A range of an object can be read", arguments: StoreKind.allCases)
    func range(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, Array(0..<100))
            var target = [UInt8](repeating: 0, count: 10)
            let reader = try fixture.store.open(name)
            #expect(try target.withUnsafeMutableBytes { try reader.read(at: 42, into: $0) } == 10)
            #expect(target == Array(42..<52))
        }
    }

    @Test("A range that passes the end of an object is cut there", arguments: StoreKind.allCases)
    func cut(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1, 2, 3])
            var target = [UInt8](repeating: 0, count: 10)
            let reader = try fixture.store.open(name)
            #expect(try target.withUnsafeMutableBytes { try reader.read(at: 1, into: $0) } == 2)
            #expect(target.prefix(2) == [2, 3])
        }
    }

    @Test("A range behind the end of an object is empty", arguments: StoreKind.allCases)
    func behind(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1, 2, 3])
            var target = [UInt8](repeating: 0, count: 10)
            let reader = try fixture.store.open(name)
            #expect(try target.withUnsafeMutableBytes { try reader.read(at: 50, into: $0) } == 0)
        }
    }

    @Test("Several threads read one open object", arguments: StoreKind.allCases)
    func threads(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let bytes = (0..<(1 << 16)).map { UInt8(truncatingIfNeeded: $0 >> 8) }
            try fixture.put(fixture.pack(3), bytes)
            let reader = try fixture.store.open(fixture.pack(3))
            let isRight = Threads.map(8) { number in
                var target = [UInt8](repeating: 0, count: 256)
                let count = target.withUnsafeMutableBytes { raw in
                    do throws(IOError) {
                        return try reader.read(at: UInt64(number) << 8, into: raw)
                    } catch {
                        return -1
                    }
                }
                return count == 256 && target.allSatisfy { $0 == UInt8(number) }
            }
            #expect(isRight == Array(repeating: true, count: 8))
        }
    }

    @Test(
        "An object that is longer than the caller believes is refused",
        arguments: StoreKind.allCases)
    func tooLong(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1, 2, 3])
            let error = #expect(throws: IOError.self) { try fixture.store.contents(name, max: 2) }
            #expect(error?.errno == .fileTooLarge)
        }
    }

    @Test(
        "The status of an object has its length and the time of its writing",
        arguments: StoreKind.allCases)
    func status(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let before = Clock.now()
            try fixture.put(name, [1, 2, 3])
            let status = try fixture.store.status(name)
            #expect(status.byteCount == 3)
            if kind != .simulatedDisk {
                #expect(abs(status.modified - before) < 60_000_000_000)
            }
        }
    }

    @Test(
        "A reader stays good after a delete, or says that the object is gone",
        arguments: StoreKind.allCases)
    func deleted(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1, 2, 3])
            let reader = try fixture.store.open(name)
            try fixture.store.delete([name])
            var target = [UInt8](repeating: 0, count: 3)
            do throws(IOError) {
                var count = 0
                var failure: IOError?
                target.withUnsafeMutableBytes { raw in
                    do throws(IOError) {
                        count = try reader.read(at: 0, into: raw)
                    } catch {
                        failure = error
                    }
                }
                if let failure { throw failure }
                #expect(count == 3 && target == [1, 2, 3])
            } catch {
                #expect(!fixture.store.traits.survivesDeleteWhileOpen)
                #expect(error.isNotFound)
            }
        }
    }

    @Test("An error names the object by its place", arguments: StoreKind.allCases)
    func place(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let error = #expect(throws: IOError.self) { try fixture.store.open(name) }
            #expect(error?.place.hasSuffix(name.key) == true)
        }
    }
}
