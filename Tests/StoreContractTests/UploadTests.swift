import KuraFormat
import KuraIO
import KuraReplicas
import Testing

@Suite("A store takes objects piece by piece")
struct UploadTests {
    @Test("An upload that is finished reads back byte for byte", arguments: StoreKind.allCases)
    func readsBack(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            for byte: UInt8 in 1...3 { try [byte].withUnsafeBytes { try upload.append($0) } }
            try upload.complete()
            #expect(try upload.finish(as: name, .content) == .written)
            #expect(try fixture.read(name) == [1, 2, 3])
        }
    }

    @Test("An upload counts its bytes", arguments: StoreKind.allCases)
    func counts(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try [UInt8](repeating: 1, count: 70_000).withUnsafeBytes { try upload.append($0) }
            try [UInt8](repeating: 2, count: 5).withUnsafeBytes { try upload.append($0) }
            #expect(upload.byteCount == 70_005)
            upload.abandon()
        }
    }

    @Test("An upload is not seen before it is finished", arguments: StoreKind.allCases)
    func unseen(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try [1].withUnsafeBytes { try upload.append($0) }
            #expect(try fixture.names(fixture.points) == [])
            try upload.complete()
            #expect(try fixture.names(fixture.points) == [])
            upload.abandon()
        }
    }

    @Test("An upload without bytes becomes an empty object", arguments: StoreKind.allCases)
    func empty(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try upload.complete()
            #expect(try upload.finish(as: name, .ifAbsent) == .written)
            #expect(try fixture.read(name) == [])
        }
    }

    @Test("An upload that was abandoned leaves nothing", arguments: StoreKind.allCases)
    func abandoned(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try [1].withUnsafeBytes { try upload.append($0) }
            upload.abandon()
            #expect(try fixture.names(fixture.points) == [])
            var owners: [UniqueID] = []
            try fixture.store.removeDrafts(in: fixture.vault) { owner in
                owners.append(owner)
                return false
            }
            #expect(owners == [])
        }
    }

    @Test("An upload can be abandoned after it is complete", arguments: StoreKind.allCases)
    func abandonedLate(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try upload.complete()
            upload.abandon()
            #expect(try fixture.names(fixture.points) == [])
        }
    }

    @Test(
        "An upload that meets a different object can be finished in its place",
        arguments: StoreKind.allCases)
    func finishedAgain(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [9])
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try [1, 2].withUnsafeBytes { (raw: UnsafeRawBufferPointer) in
                try upload.append(UnsafeRawBufferPointer(rebasing: raw[..<2]))
            }
            try upload.complete()
            #expect(try upload.finish(as: name, .ifAbsent) == .existed(isEqual: false))
            #expect(try fixture.store.status(name).byteCount == 1)
            #expect(try upload.finish(as: name, .replacing) == .written)
            #expect(try fixture.store.status(name).byteCount == 2)
        }
    }

    @Test("An upload that meets an equal object is over", arguments: StoreKind.allCases)
    func meetsEqual(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            try fixture.put(name, [1])
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try [UInt8(1)].withUnsafeBytes { try upload.append($0) }
            try upload.complete()
            #expect(try upload.finish(as: name, .content) == .existed(isEqual: true))
            #expect(try fixture.names(fixture.points) == ["one"])
        }
    }

    @Test("Two uploads of one owner do not meet", arguments: StoreKind.allCases)
    func twoUploads(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let first = try fixture.store.upload(in: fixture.points, by: fixture.session)
            let second = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try [UInt8(1)].withUnsafeBytes { try first.append($0) }
            try [UInt8(2)].withUnsafeBytes { try second.append($0) }
            try first.complete()
            try second.complete()
            _ = try second.finish(as: fixture.points.object("b"), .ifAbsent)
            _ = try first.finish(as: fixture.points.object("a"), .ifAbsent)
            #expect(try fixture.read(fixture.points.object("a")) == [1])
            #expect(try fixture.read(fixture.points.object("b")) == [2])
        }
    }

    @Test("Drafts of an owner that is gone are removed", arguments: StoreKind.allCases)
    func removesDrafts(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            _ = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try fixture.store.removeDrafts(in: fixture.vault) { $0 == fixture.session }
            var owners: [UniqueID] = []
            try fixture.store.removeDrafts(in: fixture.vault) { owner in
                owners.append(owner)
                return false
            }
            #expect(owners == [])
        }
    }

    @Test("Drafts of an owner that works on are kept", arguments: StoreKind.allCases)
    func keepsDrafts(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try fixture.store.removeDrafts(in: fixture.vault) { _ in false }
            try upload.complete()
            #expect(try upload.finish(as: name, .ifAbsent) == .written)
        }
    }

    @Test("An upload whose draft was removed cannot be finished", arguments: StoreKind.allCases)
    func removedDraft(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            try upload.complete()
            try fixture.store.removeDrafts(in: fixture.vault) { _ in true }
            #expect(throws: IOError.self) { try upload.finish(as: name, .ifAbsent) }
            #expect(try fixture.names(fixture.points) == [])
        }
    }

    @Test("Drafts of another vault are left alone", arguments: StoreKind.allCases)
    func otherVault(_ kind: StoreKind) throws {
        try Fixture.with(kind) { fixture throws in
            let name = fixture.points.object("one")
            let upload = try fixture.store.upload(in: fixture.points, by: fixture.session)
            let other = UniqueID.random()
            try fixture.store.prepare(vault: other)
            try fixture.store.removeDrafts(in: other) { _ in true }
            try upload.complete()
            #expect(try upload.finish(as: name, .ifAbsent) == .written)
        }
    }
}
