import Glibc
import KuraIO
import KuraNBD
import SystemPackage

/// One end of a connection to an `NBDServer` in this process, on which a test says what it likes.
final class ServedTalk: @unchecked Sendable {
    let descriptor: Int32
    private let ended = Latch(1)
    private let result = Guarded<KuraError?>(nil)

    struct Closed: Error {}

    /// - Parameter patience: of the server, in nanoseconds.
    init(
        _ server: NBDServer, patience: Int64 = 20_000_000_000,
        _ cancellation: Cancellation = Cancellation()
    ) throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw Errno(rawValue: errno)
        }
        descriptor = ends[0]
        let stream = SocketStream(
            adopting: ends[1], name: "client", patience: patience, cancellation: cancellation)
        Threads.detach { [ended, result] in
            do throws(KuraError) {
                try server.serve(stream)
            } catch {
                result.update { $0 = error }
            }
            ended.signal()
        }
    }

    deinit { close(descriptor) }

    /// Nothing more will be said.
    func hangUp() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Waits for the server to be done with this client.
    /// - Returns: why it sent the client away; nil where the client left.
    func end() throws -> KuraError? {
        guard ended.wait(until: Clock.steady() + 20_000_000_000) else { throw Closed() }
        return result.read()
    }

    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Closed() }
            done += count
        }
    }

    func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let found = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress! + done, count - done)
            }
            guard found > 0 else { throw Closed() }
            done += found
        }
        return bytes
    }

    // MARK: The first part of the connection

    func greet(flags: UInt32 = 3) throws {
        _ = try receive(18)
        var answer: [UInt8] = []
        answer.put(flags)
        try send(answer)
    }

    static func string(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.put(UInt32(text.utf8.count))
        return bytes + text.utf8
    }

    func ask(_ option: UInt32, _ data: [UInt8] = []) throws {
        var bytes: [UInt8] = []
        bytes.put(Wire.optionMagic)
        bytes.put(option)
        bytes.put(UInt32(data.count))
        try send(bytes + data)
    }

    /// Replies to an option, up to and with the last one.
    func replies() throws -> [(kind: UInt32, data: [UInt8])] {
        var found: [(kind: UInt32, data: [UInt8])] = []
        while true {
            let header = try receive(20)
            let kind: UInt32 = header.integer(at: 12)
            let count: UInt32 = header.integer(at: 16)
            found.append((kind, try receive(Int(count))))
            if kind == Wire.OptionReply.acknowledged || kind & Wire.OptionReply.errorBit != 0 {
                return found
            }
        }
    }

    /// Comes to an agreement on a disk.
    func choose(_ name: String = "", isStructured: Bool) throws {
        try greet()
        if isStructured {
            try ask(Wire.Option.structuredReply)
            _ = try replies()
            var data = Self.string(name)
            data.put(UInt32(1))
            try ask(Wire.Option.setMetaContext, data + Self.string(Wire.allocationContext))
            _ = try replies()
        }
        try ask(Wire.Option.go, Self.string(name) + [0, 0])
        _ = try replies()
    }

    // MARK: Requests

    func request(
        _ command: UInt16, at offset: UInt64 = 0, _ count: UInt32 = 0, flags: UInt16 = 0,
        cookie: UInt64 = 1
    ) throws {
        var bytes: [UInt8] = []
        bytes.put(Wire.requestMagic)
        bytes.put(flags)
        bytes.put(command)
        bytes.put(cookie)
        bytes.put(offset)
        bytes.put(count)
        try send(bytes)
    }

    struct Part {
        var flags: UInt16
        var kind: UInt16
        var cookie: UInt64
        var body: [UInt8]
    }

    /// The parts of one structured reply.
    func parts() throws -> [Part] {
        var found: [Part] = []
        while true {
            let header = try receive(20)
            guard header.integer(at: 0) == Wire.structuredReplyMagic else { throw Closed() }
            let count: UInt32 = header.integer(at: 16)
            found.append(
                Part(
                    flags: header.integer(at: 4), kind: header.integer(at: 6),
                    cookie: header.integer(at: 8), body: try receive(Int(count))))
            if found[found.count - 1].flags & Wire.Chunk.doneFlag != 0 { return found }
        }
    }

    /// The number of an error of a structured reply that is nothing else; 0 for another reply.
    func errorNumber() throws -> UInt32 {
        let parts = try parts()
        guard let last = parts.last, last.kind & Wire.Chunk.errorBit != 0 else { return 0 }
        return last.body.integer(at: 0)
    }
}

/// A disk in memory whose blocks of zeros are holes, and of which a stretch may be unreadable.
final class SparseSource: DiskSource {
    let name = "disk"
    let bytes: [UInt8]
    let failing: Range<UInt64>?

    init(_ bytes: [UInt8], failing: Range<UInt64>? = nil) {
        self.bytes = bytes
        self.failing = failing
    }

    var knownByteCount: UInt64? { UInt64(bytes.count) }
    func hasChanged() throws(KuraError) -> Bool { false }

    func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        let range = range.clamped(to: 0..<UInt64(bytes.count))
        var found: Range<UInt64>?
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min((start / 4096 + 1) * 4096, range.upperBound)
            let isData = bytes[Int(start)..<Int(end)].contains { $0 != 0 }
            if isData {
                found = (found?.lowerBound ?? start)..<end
            } else if found != nil {
                break
            }
            start = end
        }
        return found
    }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        guard offset < UInt64(bytes.count) else { return 0 }
        let count = min(target.count, bytes.count - Int(offset))
        if let failing, failing.overlaps(offset..<(offset + UInt64(count))) {
            throw KuraError(.damaged, "a chunk has no good copy")
        }
        target.copyBytes(from: bytes[Int(offset)..<(Int(offset) + count)])
        return count
    }
}
