import KuraFormat
import KuraIO
import KuraReplicas
import KuraS3
import ScriptedServer
import SystemPackage
import Testing

@Suite("A server that goes wrong")
struct FaultTests {
    @Test("A put whose answer is lost is this put, when it is found again")
    func lostAnswer() throws {
        let fixture = try Fixture()
        fixture.server.inject(.lostAnswer) { $0.method == "PUT" }
        #expect(try fixture.put([1, 2]) == .written)
        #expect(try fixture.read() == [1, 2])
    }

    @Test("A put whose answer is lost and that another one was before is not this put")
    func lostAnswerLate() throws {
        let fixture = try Fixture()
        fixture.server.put(fixture.key, [1, 2])
        fixture.server.inject(.lostAnswer) { $0.method == "PUT" }
        #expect(try fixture.put([1, 2]) == .existed(isEqual: true))
    }

    @Test("A put that never gets an answer has an unknown outcome")
    func noAnswer() throws {
        let fixture = try Fixture()
        fixture.server.inject { $0.method == "PUT" ? .lostAnswer : nil }
        let error = fixture.failure { () throws(IOError) in try fixture.put([1]) }
        #expect(error?.isOutcomeUnknown == true)
        #expect(try fixture.store.exists(fixture.name))
    }

    @Test("A put that no server gets has a known outcome")
    func noServer() throws {
        let fixture = try Fixture()
        fixture.server.stop()
        let error = fixture.failure { () throws(IOError) in try fixture.put([1]) }
        #expect(error != nil && error?.isOutcomeUnknown == false)
    }

    @Test("A swap whose answer is lost is found to be done")
    func lostSwap() throws {
        let fixture = try Fixture()
        let first = try fixture.store.swap(fixture.name, [1], expecting: nil)
        fixture.server.inject(.lostAnswer) { $0.method == "PUT" }
        let second = try fixture.store.swap(fixture.name, [2], expecting: first)
        #expect(second != nil)
        #expect(try fixture.store.cell(fixture.name, max: 9) == Cell(bytes: [2], tag: second!))
    }

    @Test("A swap whose answer is lost and that was replaced since has an unknown outcome")
    func lostSwapReplaced() throws {
        let fixture = try Fixture()
        let first = try fixture.store.swap(fixture.name, [1], expecting: nil)
        let isFirst = Guarded(true)
        fixture.server.inject { [key = fixture.key] request in
            guard request.method == "PUT" else { return nil }
            if isFirst.update({ first in
                defer { first = false }
                return first
            }) {
                return .lostAnswer
            }
            return .replaced(key, [3])
        }
        let error = fixture.failure { () throws(IOError) in
            _ = try fixture.store.swap(fixture.name, [2], expecting: first)
        }
        #expect(error?.isOutcomeUnknown == true)
    }

    @Test(
        "Errors that pass are tried again",
        arguments: [
            (500, "InternalError"), (503, "SlowDown"), (503, "ServiceUnavailable"),
            (409, "ConditionalRequestConflict"), (429, ""), (400, "BadDigest"),
            (502, ""),
        ])
    func passing(_ answer: (status: Int, code: String)) throws {
        let fixture = try Fixture()
        fixture.server.inject(.refusal(answer.status, code: answer.code), times: 3) { _ in true }
        #expect(try fixture.put([1]) == .written)
        #expect(fixture.pauses == [100, 200, 400])
    }

    @Test("An error that does not pass is told after some tries, with the server's words")
    func lasting() throws {
        let fixture = try Fixture()
        fixture.server.inject { _ in .refusal(500, code: "InternalError") }
        let error = fixture.failure { () throws(IOError) in try fixture.put([1]) }
        #expect(error?.description.contains("500 InternalError: words of the server") == true)
        #expect(error?.isOutcomeUnknown == true)
        #expect(fixture.server.requests.count == 8)
    }

    @Test("A conflict of two writers is no answer about who is first")
    func conflict() throws {
        let fixture = try Fixture()
        fixture.server.inject(.refusal(409, code: "ConditionalRequestConflict"), times: 1) { _ in
            true
        }
        #expect(try fixture.store.swap(fixture.name, [1], expecting: nil) != nil)
        fixture.server.inject { _ in .refusal(409, code: "ConditionalRequestConflict") }
        let error = fixture.failure { () throws(IOError) in
            _ = try fixture.store.swap(fixture.name, [2], expecting: nil)
        }
        #expect(error != nil && error?.isOutcomeUnknown == false)
    }

    @Test("A server that asks for less gets half, and as long a pause as it names")
    func slowDown() throws {
        let fixture = try Fixture()
        fixture.server.inject(
            .refusal(503, code: "SlowDown", headers: ["Retry-After": "7"]), times: 2
        ) { _ in true }
        try fixture.put([1])
        #expect(fixture.client.connectionLimit == 4)
        #expect(fixture.pauses == [7100, 7200])
    }

    @Test("A body that is cut is read again")
    func cut() throws {
        let fixture = try Fixture()
        try fixture.put(Array(repeating: 7, count: 1000))
        fixture.server.inject(.cutAnswer(500), times: 2) { $0.method == "GET" }
        #expect(try fixture.read() == Array(repeating: 7, count: 1000))
    }

    @Test("Wrong bytes of the right length are read again")
    func wrongByte() throws {
        let fixture = try Fixture()
        try fixture.put(Array(repeating: 7, count: 1000))
        fixture.server.inject(.wrongByte, times: 2) { $0.method == "GET" }
        #expect(try fixture.read() == Array(repeating: 7, count: 1000))
    }

    @Test("Bytes that are damaged in the store are given as they are")
    func damaged() throws {
        let fixture = try Fixture()
        try fixture.put([1, 2, 3])
        fixture.server.damage(fixture.key) { $0[1] = 9 }
        #expect(try fixture.read() == [1, 9, 3])
    }

    @Test("A damaged object gives way, although the store says that it is whole")
    func healed() throws {
        let fixture = try Fixture()
        try fixture.put([1, 2, 3], .content)
        fixture.server.damage(fixture.key) { $0[1] = 9 }
        #expect(try fixture.put([1, 2, 3], .content) == .written)
        #expect(try fixture.read() == [1, 2, 3])
    }

    @Test("A good answer with an error inside is an error")
    func errorInside() throws {
        let fixture = try Fixture()
        try fixture.put([1])
        let kept = fixture.folder("quarantine").object("bad")
        fixture.server.inject { request in
            request.headers["x-amz-copy-source"] == nil ? nil : .errorInside("InternalError")
        }
        let error = fixture.failure { () throws(IOError) in
            try fixture.store.setAside(fixture.name, as: kept)
        }
        #expect(error?.isOutcomeUnknown == true)
        #expect(try fixture.store.exists(fixture.name))
        fixture.server.inject(.errorInside("InternalError")) {
            $0.headers["x-amz-copy-source"] != nil
        }
        try fixture.store.delete([kept])
        try fixture.store.setAside(fixture.name, as: kept)
        #expect(try fixture.store.exists(kept))
    }

    @Test("Of many objects the one that cannot be deleted is named")
    func deleteInside() throws {
        let fixture = try Fixture()
        let names = ["a", "b"].map { fixture.folder("points").object($0) }
        let answer =
            "<DeleteResult><Error><Key>p/\(names[1].key)</Key><Code>AccessDenied</Code>"
            + "<Message>locked</Message></Error></DeleteResult>"
        fixture.server.inject { request in
            request.method == "POST"
                ? .document(answer)
                : nil
        }
        let error = fixture.failure { () throws(IOError) in try fixture.store.delete(names) }
        #expect(error?.place.hasSuffix(names[1].key) == true)
        #expect(error?.isRefused == true)
    }

    @Test("A server that stops answering is left after the time of a stall")
    func stall() throws {
        let time = Guarded<Int64>(0)
        let stalls = Guarded(false)
        let fixture = try Fixture { _, surroundings in
            surroundings.steady = {
                time.update { time in
                    if stalls.read() { time += 100_000_000_000 }
                    return time
                }
            }
            surroundings.pause = { _ in stalls.update { $0 = false } }
        }
        fixture.server.inject { request in
            guard request.number == 0 else { return nil }
            stalls.update { $0 = true }
            return .stall
        }
        #expect(try fixture.put([1]) == .written)
        #expect(fixture.server.requests.count == 2)
    }

    @Test("Work that is cancelled ends in the middle of a request")
    func cancelled() throws {
        let cancellation = Cancellation()
        let fixture = try Fixture { _, surroundings in
            surroundings.cancellation = cancellation
        }
        fixture.server.inject { _ in
            cancellation.cancel()
            return .stall
        }
        let error = fixture.failure { () throws(IOError) in _ = try fixture.read() }
        #expect(error?.isInterrupted == true)
    }

    @Test("A clock that is wrong is told in words")
    func skew() throws {
        let fixture = try Fixture()
        fixture.server.set(clockOffset: 86_400)
        let error = fixture.failure { () throws(IOError) in try fixture.put([1]) }
        #expect(error?.description.contains("RequestTimeTooSkewed") == true)
        #expect(error?.advice?.contains("clock") == true)
    }

    @Test(
        "What the server says has a way out",
        arguments: [
            (403, "AccessDenied", "credentials"), (403, "SignatureDoesNotMatch", "secret key"),
            (403, "InvalidAccessKeyId", "access key"), (404, "NoSuchBucket", "bucket"),
            (400, "ExpiredToken", "new credentials"), (301, "PermanentRedirect", "region"),
            (400, "AuthorizationHeaderMalformed", "region"), (507, "", "room"),
            (403, "QuotaExceeded", "quota"), (501, "NotImplemented", "server"),
            (404, "", "no S3 server"), (418, "Teapot", nil),
        ] as [(Int, String, String?)])
    func advice(_ answer: (Int, String, String?)) throws {
        let (status, code, word) = answer
        let fixture = try Fixture()
        fixture.server.inject { _ in .refusal(status, code: code) }
        let error = try #require(
            fixture.failure { () throws(IOError) in _ = try fixture.read() })
        #expect(!error.isNotFound)
        #expect(error.description.contains("\(status)"))
        #expect(error.description.contains(code))
        if let word { #expect(error.advice?.contains(word) == true) }
    }

    @Test("A full store is no space left")
    func full() throws {
        let fixture = try Fixture()
        fixture.server.inject { _ in .refusal(507, code: "InsufficientStorage") }
        let error = try #require(fixture.failure { () throws(IOError) in try fixture.put([1]) })
        #expect(error.isNoSpace)
        #expect(KuraError(io: error).code == .noSpace)
    }

    @Test("A missing bucket does not make an object missing")
    func noBucket() throws {
        let fixture = try Fixture()
        fixture.server.inject { request in
            .refusal(404, code: request.method == "HEAD" ? "" : "NoSuchBucket")
        }
        let error = fixture.failure { () throws(IOError) in
            _ = try fixture.store.status(fixture.name)
        }
        #expect(error != nil && error?.isNotFound == false)
        #expect(try fixture.store.condition() == .unreachable)
    }

    @Test("A server without TLS is told as that")
    func noTLS() throws {
        let fixture = try Fixture()
        let address = try BucketAddress("s3+https://127.0.0.1:\(fixture.server.port)/bucket")
        var surroundings = Surroundings()
        surroundings.pause = { _ in }
        let client = S3Client(
            address, S3Credentials(accessKey: "a", secretKey: "s"), surroundings: surroundings)
        let store = S3Store(client, .standard)
        let error = fixture.failure { () throws(IOError) in _ = try store.status(fixture.name) }
        #expect(error?.description.contains("TLS") == true)
    }

    @Test("An object that is replaced while it is read is noticed")
    func replaced() throws {
        let fixture = try Fixture { options, _ in options.wholeMax = 1 << 20 }
        try fixture.put(Array(repeating: 1, count: 200_000))
        let reader = try fixture.store.open(fixture.name)
        try fixture.put(Array(repeating: 2, count: 200_000), .replacing)
        let error = fixture.failure { () throws(IOError) in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
            defer { buffer.deallocate() }
            _ = try reader.read(at: 150_000, into: buffer)
        }
        #expect(error != nil && error?.isNotFound == false)
    }
}
