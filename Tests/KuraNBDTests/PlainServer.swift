import Glibc
import KuraIO
import KuraNBD
import SystemPackage
import TestSupport

/// A server of one disk in memory, in this process, that can be told to answer wrongly.
final class PlainServer: Sendable {
    /// What is wrong about it, each time that it is asked.
    enum Fault: CaseIterable, Sendable {
        // Of the first part of the connection.
        case silent, closes, oldStyle, wrongMagic, hugeOptionReply, endlessInfo, noExport
        case absurdSize, otherOption, namelessContext
        // Of replies to reads.
        case wrongReplyMagic, wrongCookie, shortReply, beyondRequest, twice, emptyPart, unknownPart
        case wrongHole, hugeError, closesInReply, tooManyParts
        // Of replies about holes.
        case emptyStretch, hugeStatus, wrongContext, unevenStatus, noStatus
    }

    let fault: Fault?
    /// Whether it knows more than simple replies.
    let isStructured: Bool
    /// Whether a read of some stretches fails.
    let failing: Range<UInt64>?
    /// Whether it collects requests, and answers the last one first.
    let isBackwards: Bool
    let disk: [UInt8]
    /// Numbers of bytes that were asked for.
    let asked = Guarded<[Range<UInt64>]>([])
    let statusCount = Guarded(0)

    init(
        _ disk: [UInt8], _ fault: Fault? = nil, isStructured: Bool = true,
        failing: Range<UInt64>? = nil, isBackwards: Bool = false
    ) {
        self.disk = disk
        self.fault = fault
        self.isStructured = isStructured
        self.failing = failing
        self.isBackwards = isBackwards
    }

    /// A connection to it; a thread of its own answers until the other side closes it.
    func connect(
        patience: Int64 = 20_000_000_000, _ cancellation: Cancellation = Cancellation()
    ) throws -> SocketStream {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw Errno(rawValue: errno)
        }
        let mine = ends[1]
        Threads.detach {
            var talk = Talk(server: self, descriptor: mine)
            do { try talk.run() } catch {}
            close(mine)
        }
        return SocketStream(
            adopting: ends[0], name: "server", patience: patience, cancellation: cancellation)
    }

    func source(_ connections: Int = 1, patience: Int64 = 20_000_000_000) throws -> NBDSource {
        try NBDSource(
            (0..<connections).map { _ in try connect(patience: patience) }, name: "disk")
    }

    /// The end of a connection.
    struct Closed: Error {}
}

/// One connection of the server.
private struct Talk {
    let server: PlainServer
    let descriptor: Int32

    func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let found = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress! + done, count - done)
            }
            guard found > 0 else { throw PlainServer.Closed() }
            done += found
        }
        return bytes
    }

    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw PlainServer.Closed() }
            done += count
        }
    }

    mutating func run() throws {
        switch server.fault {
        case .silent: _ = try receive(1)
        case .closes: return
        default: break
        }
        var greeting: [UInt8] = []
        greeting.put(server.fault == .wrongMagic ? 1 : Wire.greeting)
        greeting.put(Wire.optionMagic)
        greeting.put(server.fault == .oldStyle ? 0 : Wire.fixedNewstyle | Wire.noZeroes)
        try send(greeting)
        _ = try receive(4)
        while try option() {}
        var waiting: [(cookie: UInt64, command: UInt16, range: Range<UInt64>)] = []
        while true {
            let request = try receive(28)
            let start: UInt64 = request.integer(at: 16)
            let count: UInt32 = request.integer(at: 24)
            waiting.append(
                (request.integer(at: 8), request.integer(at: 6), start..<(start + UInt64(count))))
            // Whether more requests are there already.
            var more: Int32 = 0
            if server.isBackwards {
                var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                more = poll(&wanted, 1, 20)
            }
            guard more <= 0 else { continue }
            for request in waiting.reversed() {
                if request.command == Wire.Command.read {
                    try answer(request.cookie, request.range)
                } else {
                    try tell(request.cookie, request.range)
                }
            }
            waiting = []
        }
    }

    // MARK: Options

    private func reply(_ option: UInt32, _ kind: UInt32, _ data: [UInt8] = []) throws {
        var bytes: [UInt8] = []
        bytes.put(Wire.optionReplyMagic)
        bytes.put(server.fault == .otherOption ? option + 1 : option)
        bytes.put(kind)
        bytes.put(server.fault == .hugeOptionReply ? UInt32.max : UInt32(data.count))
        try send(bytes + data)
    }

    /// - Returns: false when the client has chosen its disk.
    private func option() throws -> Bool {
        let header = try receive(16)
        let option: UInt32 = header.integer(at: 8)
        _ = try receive(Int(header.integer(at: 12, as: UInt32.self)))
        switch option {
        case Wire.Option.structuredReply where server.isStructured:
            try reply(option, Wire.OptionReply.acknowledged)
        case Wire.Option.setMetaContext:
            var context: [UInt8] = []
            context.put(UInt32(7))
            if server.fault != .namelessContext { context += Wire.allocationContext.utf8 }
            try reply(option, Wire.OptionReply.metaContext, context)
            try reply(option, Wire.OptionReply.acknowledged)
        case Wire.Option.go:
            if server.fault == .noExport {
                try reply(option, Wire.OptionReply.unknownExport)
                return true
            }
            var info: [UInt8] = []
            info.put(Wire.infoExport)
            info.put(server.fault == .absurdSize ? UInt64.max : UInt64(server.disk.count))
            info.put(UInt16(1))
            while server.fault == .endlessInfo { try reply(option, Wire.OptionReply.info, info) }
            try reply(option, Wire.OptionReply.info, info)
            try reply(option, Wire.OptionReply.acknowledged)
            return false
        default: try reply(option, Wire.OptionReply.errorBit | 1)
        }
        return true
    }

    // MARK: Requests

    private func chunk(
        _ cookie: UInt64, _ kind: UInt16, _ body: [UInt8], isLast: Bool = false,
        count: UInt32? = nil
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.put(server.fault == .wrongReplyMagic ? 0 : Wire.structuredReplyMagic)
        bytes.put(isLast ? Wire.Chunk.doneFlag : 0)
        bytes.put(kind)
        bytes.put(server.fault == .wrongCookie ? cookie + 1000 : cookie)
        bytes.put(count ?? UInt32(body.count))
        return bytes + body
    }

    private func data(_ range: Range<UInt64>) -> [UInt8] {
        var body: [UInt8] = []
        body.put(range.lowerBound)
        return body + server.disk[Int(range.lowerBound)..<Int(range.upperBound)]
    }

    private func answer(_ cookie: UInt64, _ range: Range<UInt64>) throws {
        server.asked.update { $0.append(range) }
        let fails = server.failing?.overlaps(range) ?? false
        guard server.isStructured else {
            var bytes: [UInt8] = []
            bytes.put(Wire.simpleReplyMagic)
            bytes.put(UInt32(fails ? EIO : 0))
            bytes.put(cookie)
            return try send(bytes + (fails ? [] : data(range).dropFirst(8)))
        }
        var error: [UInt8] = []
        error.put(UInt32(EIO))
        error.put(UInt16(0))
        if fails { return try send(chunk(cookie, Wire.Chunk.errorBit, error, isLast: true)) }
        let end = chunk(cookie, Wire.Chunk.none, [], isLast: true)
        switch server.fault {
        case .shortReply:
            try send(
                chunk(cookie, Wire.Chunk.data, data(range.lowerBound..<(range.upperBound - 1))))
        case .beyondRequest:
            var body = data(range)
            body.replaceSubrange(0..<8, with: [0x7f] + [UInt8](repeating: 0xff, count: 7))
            try send(chunk(cookie, Wire.Chunk.data, body))
        case .twice:
            try send(chunk(cookie, Wire.Chunk.data, data(range)))
            try send(
                chunk(cookie, Wire.Chunk.data, data(range.lowerBound..<(range.lowerBound + 1))))
        case .emptyPart: try send(chunk(cookie, Wire.Chunk.none, []))
        case .unknownPart: try send(chunk(cookie, 77, []))
        case .wrongHole:
            try send(chunk(cookie, Wire.Chunk.hole, [UInt8](repeating: 0xff, count: 12)))
        case .hugeError: try send(chunk(cookie, Wire.Chunk.errorBit | 1, [], count: .max))
        case .closesInReply:
            try send(Array(chunk(cookie, Wire.Chunk.data, data(range)).prefix(100)))
            throw PlainServer.Closed()
        case .tooManyParts:
            for place in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
                try send(chunk(cookie, Wire.Chunk.data, data(place..<(place + 1))))
            }
        default:
            // In two parts, the second one first, and zeros as holes.
            let middle = range.lowerBound + UInt64(range.count / 2)
            for part in [middle..<range.upperBound, range.lowerBound..<middle] where !part.isEmpty {
                if server.disk[Int(part.lowerBound)..<Int(part.upperBound)].allSatisfy({ $0 == 0 })
                {
                    var body: [UInt8] = []
                    body.put(part.lowerBound)
                    body.put(UInt32(part.count))
                    try send(chunk(cookie, Wire.Chunk.hole, body))
                } else {
                    try send(chunk(cookie, Wire.Chunk.data, data(part)))
                }
            }
        }
        try send(end)
    }

    /// Blocks of 4 KiB that are all zeros are holes.
    private func tell(_ cookie: UInt64, _ range: Range<UInt64>) throws {
        server.statusCount.update { $0 += 1 }
        var body: [UInt8] = []
        body.put(UInt32(server.fault == .wrongContext ? 8 : 7))
        for place in stride(from: range.lowerBound, to: range.upperBound, by: 4096) {
            let end = min(place + 4096, range.upperBound)
            let isZero = server.disk[Int(place)..<Int(end)].allSatisfy { $0 == 0 }
            body.put(server.fault == .emptyStretch ? 0 : UInt32(end - place))
            body.put(isZero ? UInt32(3) : 0)
            // A server may stop early.
            if body.count > 200 { break }
        }
        if server.fault == .unevenStatus { body.append(0) }
        let status = chunk(
            cookie, Wire.Chunk.blockStatus, server.fault == .noStatus ? [] : body,
            isLast: true, count: server.fault == .hugeStatus ? .max : nil)
        try send(status)
    }
}
