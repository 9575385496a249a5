import KuraIO
import KuraS3
import ScriptedServer
import Testing

@Suite("A server is probed before it is used")
struct ProbeTests {
    private func report(
        _ server: ScriptedServer, writers: Int = 4, rounds: Int = 4
    ) throws -> ProbeReport {
        let client = S3Client(
            try BucketAddress("\(server.address("p"))?endpoint=127.0.0.1:\(server.port)"),
            S3Credentials(accessKey: "a", secretKey: "s"))
        return try StoreProbe(client, writers: writers, rounds: rounds).run()
    }

    @Test("A server that keeps its word may be shared, and nothing is left in it")
    func good() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        let report = try report(server)
        #expect(report.use == .shared)
        #expect(report.faults == [])
        #expect(report.abilities == .standard)
        #expect(server.keys == [])
    }

    @Test("A server that ignores conditions is for one writer, and it is said why")
    func ignored() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        server.set(conditions: .ignored)
        let report = try report(server)
        #expect(report.use == .oneWriter)
        #expect(!report.abilities.putsIfAbsent && report.abilities.swaps == nil)
        #expect(report.faults.count == 2)
        #expect(report.faults.allSatisfy { $0.contains("although") })
    }

    @Test("A server that wants tags without quotes gets them so")
    func bareTags() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        server.set(conditions: .bareTags)
        let report = try report(server)
        #expect(report.use == .shared)
        #expect(report.abilities.swaps == .bare)
    }

    @Test("A server that forgets what was written is refused")
    func forgets() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        server.inject { request in
            request.key.contains("/fresh-") && request.method == "GET"
                ? .refusal(404, code: "NoSuchKey") : nil
        }
        let report = try report(server)
        #expect(report.use == .refused)
        #expect(report.faults.first?.contains("could not be read") == true)
    }

    @Test("A server whose lists are old is for one writer")
    func oldLists() throws {
        let server = ScriptedServer()
        defer { server.stop() }
        let empty = "<ListBucketResult></ListBucketResult>"
        server.inject { request in
            // The last list finds what has to be cleaned up.
            request.key.isEmpty && request.method == "GET" && request.number < 40
                ? .document(empty)
                : nil
        }
        let report = try report(server)
        #expect(report.use == .oneWriter)
        #expect(report.faults.contains { $0.contains("lists") })
    }

    @Test("A server that does not answer is an error and no finding")
    func away() throws {
        let server = ScriptedServer()
        server.stop()
        var options = S3Options()
        options.attempts = 1
        let address = try BucketAddress(server.address("p"))
        #expect(throws: IOError.self) {
            try StoreProbe.run(
                address, S3Credentials(accessKey: "a", secretKey: "s"), options: options)
        }
    }

    @Test(
        "The server that the tests run beside is known for what it is",
        .enabled(if: RealServer.isThere))
    func real() throws {
        let search = CredentialSearch(environment: RealServer.environment, home: nil)
        let address = try BucketAddress(RealServer.address("probe"))
        let report = try StoreProbe.run(address, search.credentials(for: address))
        #expect((report.use == .shared) == RealServer.isShared, "\(report)")
        #expect(report.faults.isEmpty == RealServer.isShared)
    }
}
