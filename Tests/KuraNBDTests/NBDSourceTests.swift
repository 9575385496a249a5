import Glibc
import KuraIO
import KuraNBD
import SystemPackage
import TestSupport
import Testing

@Suite("A disk that an NBD server gives") struct NBDSourceTests {
    private static let disk = SyntheticDisk(seed: 3, byteCount: 3_000_000).bytes

    /// All bytes, read in pieces, holes left out.
    private func contents(_ source: NBDSource, pieceBytes: Int = 300_000) throws -> [UInt8] {
        let byteCount = try #require(source.knownByteCount)
        var found = [UInt8](repeating: 0, count: Int(byteCount))
        var cursor: UInt64 = 0
        while let data = try source.nextData(in: cursor..<byteCount) {
            try found.withUnsafeMutableBytes { bytes in
                for start in stride(
                    from: Int(data.lowerBound), to: Int(data.upperBound), by: pieceBytes)
                {
                    let end = min(start + pieceBytes, Int(data.upperBound))
                    let target = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
                    let count = try source.read(at: UInt64(start), into: target)
                    #expect(count == end - start)
                }
            }
            cursor = data.upperBound
        }
        return found
    }

    @Test(
        "has the bytes of the server's, whatever the order and the parts of its answers",
        arguments: [(true, false), (true, true), (false, false), (false, true)])
    func bytes(isStructured: Bool, isBackwards: Bool) throws {
        let server = PlainServer(
            Self.disk, isStructured: isStructured, isBackwards: isBackwards)
        for pieceBytes in [300_000, 4096, 1 << 20] {
            #expect(try contents(server.source(2), pieceBytes: pieceBytes) == Self.disk)
        }
    }

    @Test("reads what is asked for, at any place and of any length, and nothing behind the end")
    func pieces() throws {
        let source = try PlainServer(Self.disk).source(2)
        try forAll(cases: 60) { _, random in
            let start = Int.random(in: 0...(Self.disk.count + 10), using: &random)
            var bytes = [UInt8](
                repeating: 0xee, count: Int.random(in: 0...700_000, using: &random))
            let count = try bytes.withUnsafeMutableBytes {
                try source.read(at: UInt64(start), into: $0)
            }
            let wanted = Self.disk[min(start, Self.disk.count)...].prefix(bytes.count)
            #expect(count == wanted.count)
            #expect(bytes[..<count].elementsEqual(wanted))
        }
    }

    @Test("knows the server's holes, and asks once for those of a stretch")
    func holes() throws {
        var disk = [UInt8](repeating: 0, count: 1 << 20)
        for place in [8192, 500_000, (1 << 20) - 1] { disk[place] = 1 }
        let server = PlainServer(disk)
        let source = try server.source()
        var found: [Range<UInt64>] = []
        var cursor: UInt64 = 0
        while let data = try source.nextData(in: cursor..<(1 << 20)) {
            found.append(data)
            cursor = data.upperBound
        }
        #expect(found == [8192..<12288, 499_712..<503_808, 1_044_480..<1_048_576])
        let asked = server.statusCount.read()
        #expect(try source.nextData(in: 9000..<9100) == 9000..<9100)
        #expect(try source.nextData(in: 20000..<30000) == nil)
        #expect(try source.nextData(in: 2_000_000..<3_000_000) == nil)
        #expect(server.statusCount.read() == asked)
    }

    @Test("asks ahead within data, and never for a hole or for the same bytes twice")
    func ahead() throws {
        var disk = SeededRandom.bytes(2 << 20)
        for index in (1 << 20)..<disk.count { disk[index] = 0 }
        let server = PlainServer(disk)
        #expect(try contents(server.source(), pieceBytes: 256 << 10) == disk)
        let asked = server.asked.read().sorted { $0.lowerBound < $1.lowerBound }
        #expect(asked.map(\.count) == [Int](repeating: 256 << 10, count: 4))
        #expect(asked.map(\.lowerBound) == [0, 1, 2, 3].map { UInt64($0) << 18 })
    }

    @Test("an error of the server ends one read, and names the place")
    func failingRead() throws {
        for isStructured in [true, false] {
            let server = PlainServer(
                Self.disk, isStructured: isStructured, failing: 1_000_000..<1_000_001)
            let source = try server.source()
            let error = #expect(throws: KuraError.self) { _ = try contents(source) }
            #expect(error?.code == .io)
            #expect(error?.message.hasPrefix("cannot read disk at offset") == true)
            #expect(error?.message.hasSuffix(": Input/output error") == true)
            #expect(try source.firstBytes(100) == Array(Self.disk[..<100]))
        }
    }

    @Test("threads read at once, each what it asked for")
    func threads() throws {
        let source = try PlainServer(Self.disk).source(3)
        let results = Threads.map(6) { number -> Bool in
            for round in 0..<8 {
                let start = (number * 400_000 + round * 40_000) % (Self.disk.count - 40_000)
                var bytes = [UInt8](repeating: 0, count: 40_000)
                do {
                    let count = try bytes.withUnsafeMutableBytes {
                        try source.read(at: UInt64(start), into: $0)
                    }
                    guard count == 40_000, bytes.elementsEqual(Self.disk[start..<(start + 40_000)])
                    else { return false }
                } catch {
                    return false
                }
            }
            return true
        }
        #expect(results.allSatisfy { $0 })
    }

    // MARK: Hostile servers

    @Test(
        "a server that answers wrongly is an error, and never bytes",
        arguments: PlainServer.Fault.allCases)
    func hostile(_ fault: PlainServer.Fault) throws {
        let server = PlainServer(Self.disk, fault)
        let patience: Int64 = fault == .silent ? 50_000_000 : 20_000_000_000
        let error = #expect(throws: KuraError.self, "\(fault)") {
            _ = try contents(server.source(2, patience: patience))
        }
        let code: KuraError.Code = fault == .noExport ? .notFound : .io
        #expect(error?.code == code, "\(fault): \(error?.message ?? "")")
    }

    @Test("what ended a connection is what each later read says")
    func failureStays() throws {
        let source = try PlainServer(Self.disk, .wrongCookie).source(2)
        let first = #expect(throws: KuraError.self) { _ = try source.firstBytes(10) }
        let second = #expect(throws: KuraError.self) { _ = try source.firstBytes(10) }
        #expect(first == second)
    }

    @Test("a server that goes on about holes without an end is an error")
    func endlessHoles() throws {
        // One byte at a time, of 32 MiB.
        let source = try NBDSource([DrippingStream()], name: "disk")
        let error = #expect(throws: KuraError.self) { _ = try source.nextData(in: 0..<(32 << 20)) }
        #expect(error?.message.contains("too many stretches") == true)
    }

    @Test("a wait ends with the work")
    func cancelled() throws {
        let cancellation = Cancellation()
        cancellation.cancel()
        let stream = try PlainServer(Self.disk, .silent).connect(cancellation)
        let error = #expect(throws: KuraError.self) { _ = try NBDSource([stream], name: "disk") }
        #expect(error?.code == .interrupted)
    }
}

/// Answers each question about holes with one byte.
private final class DrippingStream: ByteStream {
    private let answers = Guarded<[UInt8]>(Script.handshake(byteCount: 32 << 20))

    func waitForBytes() throws(KuraError) -> Bool { true }
    func end(with cancellation: Cancellation) {}

    func send(_ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        let request = Array(bytes)
        guard request.count == 28 else { return }
        var reply: [UInt8] = []
        reply.put(Wire.structuredReplyMagic)
        reply.put(Wire.Chunk.doneFlag)
        reply.put(Wire.Chunk.blockStatus)
        reply += request[8..<16]
        reply.put(UInt32(12))
        reply.put(Script.context)
        reply.put(UInt32(1))
        reply.put(UInt32(0))
        answers.update { $0 += reply }
    }

    func receive(into target: UnsafeMutableRawBufferPointer) throws(KuraError) {
        let part = answers.update { answers in
            let part = Array(answers.prefix(target.count))
            answers.removeFirst(part.count)
            return part
        }
        guard part.count == target.count else { throw KuraError(.io, "no more") }
        target.copyBytes(from: part)
    }
}

/// What a sound server says before the first request.
enum Script {
    static let context: UInt32 = 7

    static func handshake(byteCount: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.put(Wire.greeting)
        bytes.put(Wire.optionMagic)
        bytes.put(Wire.fixedNewstyle)
        func reply(_ option: UInt32, _ kind: UInt32, _ data: [UInt8] = []) {
            bytes.put(Wire.optionReplyMagic)
            bytes.put(option)
            bytes.put(kind)
            bytes.put(UInt32(data.count))
            bytes += data
        }
        reply(Wire.Option.structuredReply, Wire.OptionReply.acknowledged)
        var name: [UInt8] = []
        name.put(context)
        reply(
            Wire.Option.setMetaContext, Wire.OptionReply.metaContext,
            name + Wire.allocationContext.utf8)
        reply(Wire.Option.setMetaContext, Wire.OptionReply.acknowledged)
        var info: [UInt8] = []
        info.put(Wire.infoExport)
        info.put(byteCount)
        info.put(UInt16(1))
        reply(Wire.Option.go, Wire.OptionReply.info, info)
        reply(Wire.Option.go, Wire.OptionReply.acknowledged)
        return bytes
    }
}

private enum SeededRandom {
    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: 5)
        return generator.bytes(count)
    }
}
