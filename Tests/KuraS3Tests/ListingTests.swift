import KuraFormat
import KuraIO
import KuraReplicas
import KuraS3
import ScriptedServer
import Testing

@Suite("A bucket with surprises")
struct ListingTests {
    @Test("Names that no store could hold are not listed")
    func foreign() throws {
        let fixture = try Fixture()
        let folder = "p/\(fixture.folder("points").key)"
        for name in ["good", "..", "a\nb", "", "with space+plus%"] {
            fixture.server.put("\(folder)/\(name)", [1])
        }
        #expect(
            try fixture.store.names(in: fixture.folder("points")) == ["good", "with space+plus%"])
    }

    @Test("An empty page is not the last one")
    func emptyPage() throws {
        let fixture = try Fixture()
        try fixture.put([1])
        let empty = ScriptedServer.Fault.document(
            "<ListBucketResult><IsTruncated>true</IsTruncated>"
                + "<NextContinuationToken>0</NextContinuationToken></ListBucketResult>")
        fixture.server.inject { $0.query["continuation-token"] == nil ? empty : nil }
        #expect(try fixture.store.names(in: fixture.folder("points")) == ["one"])
    }

    @Test("A server that gives one page again and again is an error")
    func circle() throws {
        let fixture = try Fixture()
        let page = ScriptedServer.Fault.document(
            "<ListBucketResult><IsTruncated>true</IsTruncated>"
                + "<NextContinuationToken>x</NextContinuationToken></ListBucketResult>")
        fixture.server.inject { _ in page }
        let error = fixture.failure { () throws(IOError) in
            _ = try fixture.store.names(in: fixture.folder("points"))
        }
        #expect(error != nil)
    }

    @Test(
        "A list that makes no sense is an error",
        arguments: [
            "", "<html></html>", "<ListBucketResult>",
            "<ListBucketResult><Contents><Key>other/key</Key></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ])
    func nonsense(_ text: String) throws {
        let fixture = try Fixture()
        let page = ScriptedServer.Fault.document(text)
        fixture.server.inject { _ in page }
        let error = fixture.failure { () throws(IOError) in
            _ = try fixture.store.names(in: fixture.folder("points"))
        }
        #expect(error != nil && error?.isNotFound == false)
    }

    @Test("An answer that never ends is cut off")
    func endless() throws {
        let fixture = try Fixture { options, _ in options.attempts = 1 }
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n<ListBucketResult>"
        fixture.server.inject { _ in
            .answer(Array(head.utf8) + [UInt8](repeating: 0x20, count: 9 << 20))
        }
        let error = fixture.failure { () throws(IOError) in
            _ = try fixture.store.names(in: fixture.folder("points"))
        }
        #expect(error?.isTooLong == true)
    }

    @Test("Of receipts and points those that come first are deleted first")
    func deleteOrder() throws {
        let fixture = try Fixture()
        let names = (0..<3).flatMap { number in
            ["receipts", "points"].map { fixture.folder($0).object("\(number)") }
        }
        try fixture.store.delete(names)
        #expect(fixture.server.requests.map(\.key) == names.map { "p/\($0.key)" })
    }

    @Test("Many packs are deleted by one request")
    func deleteTogether() throws {
        let fixture = try Fixture()
        let names = (10..<60).map { fixture.folder("packs/\($0)").object("\($0)ab") }
        for name in names { fixture.server.put("p/\(name.key)", [1]) }
        try fixture.store.delete(names)
        #expect(fixture.server.requests.count == 1)
        #expect(fixture.server.keys == [])
    }

    @Test("A small record is read by one request")
    func oneRequest() throws {
        let fixture = try Fixture()
        fixture.server.put(fixture.key, [1, 2, 3])
        #expect(try fixture.read() == [1, 2, 3])
        #expect(fixture.server.requests.count == 1)
        #expect(fixture.store.counts.requests == ["get": 1])
    }

    @Test("Requests without TLS to another machine are refused")
    func clearText() throws {
        let credentials = S3Credentials(accessKey: "a", secretKey: "s")
        let address = try BucketAddress("s3+http://store.example/bucket")
        let store = S3Store(address, credentials, abilities: .standard)
        let error = #expect(throws: KuraError.self) { try store.requireTrusted() }
        #expect(error?.code == .refused)
        var options = S3Options()
        options.allowsClearText = true
        try S3Store(address, credentials, options: options, abilities: .standard).requireTrusted()
    }

    @Test("A bucket can be named in the host")
    func virtualHost() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        let store = S3Store(
            try BucketAddress("s3+http://localhost:\(server.port)/bucket/p?style=virtual"),
            S3Credentials(accessKey: "a", secretKey: "s"), abilities: .standard)
        try store.create()
        #expect(server.keys == ["p/.kura-store"])
        #expect(server.requests.first?.headers["host"] == "bucket.localhost:\(server.port)")
    }

    @Test("A store is opened by its address and credentials")
    func opened() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        let search = CredentialSearch(
            environment: ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"], home: nil)
        let store = try S3Store.open(server.address("p/q"), search, abilities: .standard)
        try store.create()
        #expect(try store.condition() == .present([]))
        #expect(server.keys == ["p/q/.kura-store"])
        let none = CredentialSearch(environment: [:], home: nil)
        let error = #expect(throws: KuraError.self) {
            try S3Store.open(server.address(), none, abilities: .standard)
        }
        #expect(error?.code == .notFound)
    }
}
