import Glibc
import KuraIO
import KuraNBD
import SystemPackage
import TestSupport
import Testing

@Suite("A server of disks by NBD") struct NBDServerTests {
    private static let bytes: [UInt8] = {
        var bytes = SyntheticDisk(seed: 9, byteCount: 3_000_001).bytes
        for index in 1_000_000..<1_600_000 { bytes[index] = 0 }
        return bytes
    }()

    private static func server(
        failing: Range<UInt64>? = nil, _ failed: Guarded<[KuraError]> = Guarded([])
    ) -> NBDServer {
        NBDServer(
            [
                NBDServer.Disk("os", SparseSource(bytes, failing: failing)),
                NBDServer.Disk("data", SparseSource(Array(bytes[..<5000]))),
            ], threads: 2
        ) { error in failed.update { $0.append(error) } }
    }

    private func source(_ server: NBDServer, _ disk: String = "") throws -> NBDSource {
        let streams = try (0..<2).map { _ in
            var ends: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
                throw Errno(rawValue: errno)
            }
            let served = SocketStream(
                adopting: ends[1], name: "client", cancellation: Cancellation())
            Threads.detach {
                do throws(KuraError) { try server.serve(served) } catch { return }
            }
            return SocketStream(
                adopting: ends[0], name: "server", cancellation: Cancellation())
        }
        return try NBDSource(streams, export: disk, name: "disk")
    }

    // MARK: What it gives

    @Test("gives the bytes of its disks at any place, to several connections at once")
    func contents() throws {
        let source = try source(Self.server())
        #expect(source.byteCount == UInt64(Self.bytes.count))
        let results = Threads.map(3) { number -> Bool in
            var random = SeededGenerator(seed: UInt64(number))
            for _ in 0..<40 {
                let start = Int.random(in: 0..<Self.bytes.count, using: &random)
                let count = min(
                    Int.random(in: 1...900_000, using: &random), Self.bytes.count - start)
                do {
                    var found = [UInt8](repeating: 0xee, count: count)
                    let read = try found.withUnsafeMutableBytes {
                        try source.read(at: UInt64(start), into: $0)
                    }
                    guard read == count, found.elementsEqual(Self.bytes[start..<(start + count)])
                    else { return false }
                } catch {
                    return false
                }
            }
            return true
        }
        #expect(results == [true, true, true])
    }

    @Test("tells of holes, and gives each disk by its name")
    func holes() throws {
        let source = try source(Self.server())
        let disk = SparseSource(Self.bytes)
        var cursor: UInt64 = 0
        while let wanted = try disk.nextData(in: cursor..<source.byteCount) {
            #expect(try source.nextData(in: cursor..<source.byteCount) == wanted)
            cursor = wanted.upperBound
        }
        #expect(try source.nextData(in: cursor..<source.byteCount) == nil)
        #expect(try self.source(Self.server(), "data").byteCount == 5000)
        #expect(throws: KuraError.self) { _ = try self.source(Self.server(), "absent") }
    }

    @Test("lists its disks, describes them, and says no to what it does not know")
    func options() throws {
        let talk = try ServedTalk(Self.server())
        try talk.greet()
        try talk.ask(Wire.Option.list)
        let names = try talk.replies().filter { $0.kind == Wire.OptionReply.server }
            .map { String(decoding: $0.data[4...], as: UTF8.self) }
        #expect(names == ["os", "data"])
        // TLS, and one that does not exist.
        for option: UInt32 in [5, 99] {
            try talk.ask(option, [1, 2, 3])
            #expect(try talk.replies().map(\.kind) == [Wire.OptionReply.unsupported])
        }
        try talk.ask(Wire.Option.info, ServedTalk.string("data") + [0, 2, 0, 1, 0, 3])
        let answers = try talk.replies()
        #expect(answers.count == 4)
        #expect(answers[0].data == [0, 1] + Array("data".utf8))
        #expect(answers[2].data.integer(at: 2, as: UInt64.self) == 5000)
        // Read-only, whole replies only on request, several connections: without structured
        // replies there is no such request.
        #expect(answers[2].data.integer(at: 10, as: UInt16.self) == 0b1_0000_0011)
        try talk.ask(Wire.Option.info, ServedTalk.string("absent") + [0, 0])
        #expect(try talk.replies().map(\.kind) == [Wire.OptionReply.unknownExport])
        try talk.ask(Wire.Option.abort)
        #expect(try talk.replies().map(\.kind) == [Wire.OptionReply.acknowledged])
        #expect(try talk.end() == nil)
    }

    @Test("serves clients of the old way, which name a disk and get simple replies")
    func oldClients() throws {
        let talk = try ServedTalk(Self.server())
        try talk.greet(flags: 1)
        try talk.ask(Wire.Option.exportName, Array("os".utf8))
        let answer = try talk.receive(134)
        #expect(answer.integer(at: 0, as: UInt64.self) == UInt64(Self.bytes.count))
        try talk.request(Wire.Command.read, at: 700, 300_000, cookie: 5)
        let header = try talk.receive(16)
        #expect(header.integer(at: 0, as: UInt32.self) == Wire.simpleReplyMagic)
        #expect(header.integer(at: 4, as: UInt32.self) == 0)
        #expect(header.integer(at: 8, as: UInt64.self) == 5)
        #expect(try talk.receive(300_000).elementsEqual(Self.bytes[700..<300_700]))
        try talk.request(Wire.Command.disconnect)
        #expect(try talk.end() == nil)
    }

    @Test("answers a read in one part where that is asked for, and else gives its holes as holes")
    func parts() throws {
        let talk = try ServedTalk(Self.server())
        try talk.choose(isStructured: true)
        try talk.request(
            Wire.Command.read, at: 900_000, 800_000, flags: Wire.Command.wholeFlag)
        let whole = try talk.parts()
        #expect(whole.map(\.kind) == [Wire.Chunk.data])
        #expect(whole[0].body[8...].elementsEqual(Self.bytes[900_000..<1_700_000]))
        try talk.request(Wire.Command.read, at: 900_000, 800_000)
        let parts = try talk.parts()
        var found = [UInt8](repeating: 0, count: 800_000)
        var holeBytes: UInt32 = 0
        for part in parts {
            let start = Int(part.body.integer(at: 0, as: UInt64.self)) - 900_000
            if part.kind == Wire.Chunk.hole {
                holeBytes += part.body.integer(at: 8, as: UInt32.self)
            } else {
                found.replaceSubrange(
                    start..<(start + part.body.count - 8), with: part.body[8...])
            }
        }
        #expect(found.elementsEqual(Self.bytes[900_000..<1_700_000]))
        // All of the zeros but parts of a block at both ends.
        #expect(holeBytes > 590_000)
    }

    @Test("one stretch is told where one is asked for, and all of a range else")
    func stretches() throws {
        let talk = try ServedTalk(Self.server())
        try talk.choose(isStructured: true)
        try talk.request(
            Wire.Command.blockStatus, at: 1_200_000, 1_000_000, flags: Wire.Command.oneFlag)
        let one = try talk.parts()[0].body
        #expect(one.count == 12)
        #expect(one.integer(at: 4, as: UInt32.self) == 1_597_440 - 1_200_000)
        #expect(one.integer(at: 8, as: UInt32.self) == Wire.hole | Wire.readsAsZeros)
        try talk.request(Wire.Command.blockStatus, at: 0, UInt32(Self.bytes.count))
        let all = try talk.parts()[0].body
        let lengths = stride(from: 4, to: all.count, by: 8).map {
            all.integer(at: $0, as: UInt32.self)
        }
        #expect(lengths.count > 2)
        #expect(lengths.reduce(0, +) == UInt32(Self.bytes.count))
    }

    // MARK: What it refuses

    @Test("refuses reads outside of the disk, writes and what it does not know, and goes on")
    func refusals() throws {
        let end = UInt64(Self.bytes.count)
        let talk = try ServedTalk(Self.server())
        try talk.choose(isStructured: true)
        for (offset, count) in [
            (end, 1), (end - 10, 11), (UInt64.max, 1), (UInt64.max - 5, UInt32.max),
            (0, UInt32.max),
        ] as [(UInt64, UInt32)] {
            try talk.request(Wire.Command.read, at: offset, count)
            #expect(try talk.errorNumber() == UInt32(EINVAL))
            try talk.request(Wire.Command.blockStatus, at: offset, count)
            #expect(try talk.errorNumber() == UInt32(EINVAL))
        }
        try talk.request(Wire.Command.write, at: 0, 100_000)
        try talk.send([UInt8](repeating: 7, count: 100_000))
        #expect(try talk.errorNumber() == UInt32(EPERM))
        for command in [Wire.Command.trim, Wire.Command.writeZeroes] {
            try talk.request(command, at: 0, 4096)
            #expect(try talk.errorNumber() == UInt32(EPERM))
        }
        try talk.request(77, at: 0, 4096)
        #expect(try talk.errorNumber() == UInt32(EINVAL))
        try talk.request(Wire.Command.read, at: end - 10, 10, cookie: 8)
        let part = try talk.parts()[0]
        #expect(part.cookie == 8)
        #expect(part.body[8...].elementsEqual(Self.bytes.suffix(10)))
    }

    @Test("a read that fails is an error with its reason, is told, and the connection goes on")
    func failingReads() throws {
        let failed = Guarded<[KuraError]>([])
        let server = Self.server(failing: 2_000_000..<2_000_001, failed)
        for isStructured in [true, false] {
            let talk = try ServedTalk(server)
            try talk.choose(isStructured: isStructured)
            try talk.request(Wire.Command.read, at: 1_900_000, 200_000)
            if isStructured {
                let last = try #require(try talk.parts().last)
                #expect(last.kind == Wire.Chunk.error)
                #expect(last.body.integer(at: 0, as: UInt32.self) == UInt32(EIO))
                #expect(last.body[6...].elementsEqual("a chunk has no good copy".utf8))
                try talk.request(Wire.Command.read, at: 0, 100)
                #expect(try talk.parts()[0].body.count == 108)
            } else {
                #expect(try talk.receive(16).integer(at: 4, as: UInt32.self) == UInt32(EIO))
                try talk.request(Wire.Command.read, at: 0, 100)
                #expect(try talk.receive(116).integer(at: 4, as: UInt32.self) == 0)
            }
        }
        #expect(failed.read().map(\.code) == [.damaged, .damaged])
    }

    // MARK: Hostile clients

    @Test("whatever bytes come, the client is sent away, and no other one notices")
    func randomBytes() throws {
        let server = Self.server()
        let good = try source(server)
        try forAll(cases: 150) { number, random in
            let talk = try ServedTalk(server)
            // At each point of a connection.
            switch number % 3 {
            case 0: break
            case 1: try talk.greet()
            default: try talk.choose(isStructured: number % 2 == 0)
            }
            // The server may be gone in the middle of it.
            do {
                try talk.send((0..<10_000).map { _ in UInt8.random(in: 0...255, using: &random) })
            } catch is ServedTalk.Closed {}
            talk.hangUp()
            #expect(try talk.end() != nil)
        }
        #expect(try good.firstBytes(10) == Array(Self.bytes[..<10]))
    }

    @Test("options with wrong lengths are refused or end the connection, and take no memory")
    func wrongOptions() throws {
        let server = Self.server()
        for data in [
            [], [0, 0, 0, 9, 1], [255, 255, 255, 255, 0, 0], [0, 0, 0, 0, 255, 255],
            [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]] {
            let talk = try ServedTalk(server)
            try talk.greet()
            for option in [Wire.Option.go, Wire.Option.info, Wire.Option.setMetaContext] {
                try talk.ask(option, data)
                #expect(try talk.replies().map(\.kind) == [Wire.OptionReply.invalid])
            }
        }
        let talk = try ServedTalk(server)
        try talk.greet()
        var huge: [UInt8] = []
        huge.put(Wire.optionMagic)
        huge.put(Wire.Option.go)
        huge.put(UInt32.max)
        try talk.send(huge)
        #expect(try talk.end()?.message.contains("protocol of NBD") == true)
    }

    @Test("a client that vanishes at any moment leaves nothing behind")
    func vanishing() throws {
        let server = Self.server()
        for number in 0..<60 {
            let talk = try ServedTalk(server)
            try talk.choose(isStructured: number % 2 == 0)
            for cookie in 0..<UInt64(number % 8 + 1) {
                try talk.request(Wire.Command.read, at: 0, 2_000_000, cookie: cookie)
            }
            if number % 3 == 0 { _ = try talk.receive(1000) }
            shutdown(talk.descriptor, Int32(SHUT_RDWR))
            _ = try talk.end()
        }
    }

    @Test("a client that takes no replies is sent away after a while, and an idle one is not")
    func stuck() throws {
        let server = Self.server()
        let idle = try ServedTalk(server, patience: 100_000_000)
        try idle.choose(isStructured: true)
        let stuck = try ServedTalk(server, patience: 100_000_000)
        try stuck.choose(isStructured: true)
        for cookie in UInt64(0)..<40 {
            try stuck.request(Wire.Command.read, at: 0, 3_000_000, cookie: cookie)
        }
        #expect(try stuck.end()?.message.contains("has not answered") == true)
        try idle.request(Wire.Command.read, at: 0, 10)
        #expect(try idle.parts().count == 1)
        let silent = try ServedTalk(server, patience: 100_000_000)
        #expect(try silent.end() != nil)
    }

    @Test("a cancellation ends every client")
    func cancelled() throws {
        let cancellation = Cancellation()
        let talks = try (0..<3).map { _ in try ServedTalk(Self.server(), cancellation) }
        for talk in talks { try talk.choose(isStructured: true) }
        cancellation.cancel()
        for talk in talks { #expect(try talk.end()?.code == .interrupted) }
    }
}
