import KuraFormat
import KuraIO
import KuraReplicas
import Testing

@Suite("A store takes whole objects")
struct PutTests {
    @Test("An object that was put reads back byte for byte", arguments: StoreKind.allCases)
    func readsBack(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            #expect(try fixture.put(name, [1, 2, 3]) == .written)
            #expect(try fixture.read(name) == [1, 2, 3])
        }
    }

    @Test("The pieces of an object are joined in their order", arguments: StoreKind.allCases)
    func pieces(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let bytes = (0..<200).map { UInt8($0) }
            let outcome = try bytes.withUnsafeBytes { raw in
                let pieces = [raw[..<7], raw[7..<7], raw[7..<150], raw[150...]].map {
                    UnsafeRawBufferPointer(rebasing: $0)
                }
                return try fixture.store.put(name, pieces, condition: .content, by: fixture.session)
            }
            #expect(outcome == .written)
            #expect(try fixture.read(name) == bytes)
        }
    }

    @Test("An empty object is an object", arguments: StoreKind.allCases)
    func empty(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [])
            #expect(try fixture.store.status(name).byteCount == 0)
            #expect(try fixture.read(name) == [])
        }
    }

    @Test("An object of several MiB reads back byte for byte", arguments: StoreKind.allCases)
    func long(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let bytes = (0..<(5 << 20) + 3).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try fixture.put(fixture.pack(0xAB), bytes, .content)
            #expect(try fixture.read(fixture.pack(0xAB)) == bytes)
        }
    }

    @Test("Put if absent writes where nothing is", arguments: StoreKind.allCases)
    func ifAbsentWrites(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            #expect(try fixture.put(name, [1], .ifAbsent) == .written)
        }
    }

    @Test("Put if absent says that an equal object is there", arguments: StoreKind.allCases)
    func ifAbsentEqual(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            #expect(try fixture.put(name, [1], .ifAbsent) == .existed(isEqual: true))
        }
    }

    @Test("Put if absent says that a different object is there", arguments: StoreKind.allCases)
    func ifAbsentDifferent(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            #expect(try fixture.put(name, [2], .ifAbsent) == .existed(isEqual: false))
        }
    }

    @Test("Put if absent leaves a different object as it is", arguments: StoreKind.allCases)
    func ifAbsentKeeps(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            try fixture.put(name, [2, 3], .ifAbsent)
            #expect(try fixture.read(name) == [1])
        }
    }

    @Test("Put if absent tells objects of one length apart", arguments: StoreKind.allCases)
    func ifAbsentSameLength(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1, 2, 3])
            #expect(try fixture.put(name, [1, 2, 4], .ifAbsent) == .existed(isEqual: false))
        }
    }

    @Test("Put if absent leaves no draft behind, whatever it finds", arguments: StoreKind.allCases)
    func ifAbsentDrafts(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            try fixture.put(name, [1], .ifAbsent)
            try fixture.put(name, [2], .ifAbsent)
            var owners: [UniqueID] = []
            try fixture.store.removeDrafts(in: fixture.vault) { owner in
                owners.append(owner)
                return false
            }
            #expect(owners == [])
        }
    }

    @Test("Put by content keeps an equal object", arguments: StoreKind.allCases)
    func contentEqual(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1], .content)
            #expect(try fixture.put(name, [1], .content) == .existed(isEqual: true))
        }
    }

    @Test("Put by content replaces a damaged object", arguments: StoreKind.allCases)
    func contentDamaged(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [9])
            #expect(try fixture.put(name, [1, 2], .content) == .written)
            #expect(try fixture.read(name) == [1, 2])
        }
    }

    @Test("Put in place of another replaces it", arguments: StoreKind.allCases)
    func replaces(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            #expect(try fixture.put(name, [2], .replacing) == .written)
            #expect(try fixture.read(name) == [2])
        }
    }

    @Test("Put in place of another writes where nothing is", arguments: StoreKind.allCases)
    func replacesNothing(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            #expect(try fixture.put(name, [2], .replacing) == .written)
            #expect(try fixture.read(name) == [2])
        }
    }

    @Test("A longer object gives way to a shorter one completely", arguments: StoreKind.allCases)
    func replacesLonger(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1, 2, 3, 4])
            try fixture.put(name, [5], .replacing)
            #expect(try fixture.read(name) == [5])
        }
    }

    @Test("An object outside of all vaults can be put", arguments: StoreKind.allCases)
    func atRoot(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = StoreName("replica")
            try fixture.put(name, [7], .replacing)
            #expect(try fixture.read(name) == [7])
        }
    }

    @Test("Of many writers that put one name if absent one is first", arguments: StoreKind.allCases)
    func race(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let outcomes = Threads.map(8) { number -> PutOutcome? in
                do throws(IOError) {
                    return try fixture.store.put(
                        name, [UInt8(number)], condition: .ifAbsent, by: .random())
                } catch {
                    return nil
                }
            }
            #expect(outcomes.count { $0 == .written } == 1)
            #expect(outcomes.count { $0 == .existed(isEqual: false) } == 7)
        }
    }
}
