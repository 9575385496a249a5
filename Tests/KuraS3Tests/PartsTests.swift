import KuraFormat
import KuraIO
import KuraReplicas
import KuraS3
import ScriptedServer
import Testing

@Suite("Long objects are sent in parts")
struct PartsTests {
    private let bytes = (0..<10_500).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8) }

    private func upload(_ fixture: Fixture, _ bytes: [UInt8]) throws(IOError) -> any Upload {
        let upload = try fixture.store.upload(in: fixture.name.folder, by: fixture.session)
        var failure: IOError?
        bytes.withUnsafeBytes { raw in
            do throws(IOError) {
                for start in stride(from: 0, to: raw.count, by: 700) {
                    try upload.append(
                        UnsafeRawBufferPointer(rebasing: raw[start..<min(start + 700, raw.count)]))
                }
                try upload.complete()
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return upload
    }

    private func parts(_ fixture: Fixture) -> Int {
        fixture.server.requests.count { $0.method == "PUT" && $0.query["partNumber"] != nil }
    }

    @Test(
        "An object in memory and one from a file read back byte for byte", arguments: [true, false])
    func readsBack(_ isPut: Bool) throws {
        let fixture = try Fixture()
        if isPut {
            #expect(try fixture.put(bytes) == .written)
        } else {
            #expect(try upload(fixture, bytes).finish(as: fixture.name, .ifAbsent) == .written)
        }
        #expect(try fixture.read() == bytes)
        #expect(parts(fixture) == 11)
        // Neither parts nor marks stay.
        #expect(fixture.server.uploadCount == 0)
        #expect(fixture.server.keys == [fixture.key])
    }

    @Test("An equal one stays, and a different one gives way where that is wanted")
    func conditions() throws {
        let fixture = try Fixture()
        try fixture.put(bytes)
        #expect(try fixture.put(bytes) == .existed(isEqual: true))
        var other = bytes
        other[9999] ^= 1
        #expect(try fixture.put(other) == .existed(isEqual: false))
        #expect(try fixture.read() == bytes)
        #expect(try fixture.put(other, .content) == .written)
        #expect(try fixture.read() == other)
        #expect(try fixture.put(bytes, .replacing) == .written)
        #expect(try fixture.read() == bytes)
    }

    @Test("A part that breaks is sent again, alone")
    func brokenPart() throws {
        let fixture = try Fixture()
        fixture.server.inject(.dropped, times: 2) { $0.query["partNumber"] == "4" }
        #expect(try fixture.put(bytes) == .written)
        #expect(parts(fixture) == 13)
        #expect(try fixture.read() == bytes)
    }

    @Test("An object that was sent in part goes on where it stopped")
    func resumes() throws {
        let fixture = try Fixture()
        fixture.server.inject {
            $0.query["partNumber"] == "7" ? .refusal(403, code: "AccessDenied") : nil
        }
        let error = fixture.failure { () throws(IOError) in try fixture.put(bytes) }
        #expect(error?.isRefused == true)
        let before = parts(fixture)
        fixture.server.inject(nil)
        #expect(try fixture.put(bytes) == .written)
        #expect(parts(fixture) - before < 8)
        #expect(try fixture.read() == bytes)
        #expect(fixture.server.uploadCount == 0)
    }

    @Test("Parts of another content under the same name are not used")
    func resumesOther() throws {
        let fixture = try Fixture()
        fixture.server.inject {
            $0.query["partNumber"] == "7" ? .refusal(403, code: "AccessDenied") : nil
        }
        _ = fixture.failure { () throws(IOError) in try fixture.put(bytes) }
        fixture.server.inject(nil)
        let other = bytes.map { $0 ^ 1 }
        #expect(try fixture.put(other) == .written)
        #expect(try fixture.read() == other)
    }

    @Test("Parts of a session that ended are dropped, and those of others stay")
    func drafts() throws {
        let fixture = try Fixture()
        fixture.server.inject {
            $0.query["partNumber"] == "7" ? .refusal(403, code: "AccessDenied") : nil
        }
        _ = fixture.failure { () throws(IOError) in try fixture.put(bytes) }
        fixture.server.inject(nil)
        try fixture.store.removeDrafts(in: fixture.vault) { _ in false }
        #expect(fixture.server.uploadCount == 1)
        try fixture.store.removeDrafts(in: fixture.vault) { $0 == fixture.session }
        #expect(fixture.server.uploadCount == 0)
        #expect(fixture.server.keys == [])
    }

    @Test("An object whose parts were dropped meanwhile is sent anew")
    func droppedMeanwhile() throws {
        let fixture = try Fixture()
        fixture.server.inject(.refusal(404, code: "NoSuchUpload"), times: 1) {
            $0.query["partNumber"] == "5"
        }
        #expect(try fixture.put(bytes) == .written)
        #expect(try fixture.read() == bytes)
    }

    @Test("The answer to the last step is lost, and the object is there")
    func lostAnswer() throws {
        let fixture = try Fixture()
        fixture.server.inject(.lostAnswer) { $0.method == "POST" && $0.query["uploadId"] != nil }
        #expect(try fixture.put(bytes) == .written)
        #expect(try fixture.read() == bytes)
    }

    @Test("An error inside of a good answer to the last step is tried again")
    func errorInside() throws {
        let fixture = try Fixture()
        fixture.server.inject(
            .document("   \n<Error><Code>InternalError</Code><Message/></Error>   ")
        ) { $0.method == "POST" && $0.query["uploadId"] != nil }
        #expect(try fixture.put(bytes) == .written)
        #expect(try fixture.read() == bytes)
    }
}
