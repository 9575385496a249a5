internal import KuraIO

/// What a server says of one of its disks.
public struct NBDExport: Equatable, Sendable {
    public var byteCount: UInt64
    /// Whether replies to reads come in parts.
    public var hasStructuredReplies: Bool
    /// Number of the context that tells of holes; nil where the server has none.
    public var allocationContext: UInt32?
}

/// The first part of a connection: client and server agree on what they will speak.
struct Handshake {
    private let stream: any ByteStream
    private let server: String

    /// Longest reply to an option that is believed.
    private static let replyBytesMax = 64 << 10
    /// Most replies to one option.
    private static let repliesMax = 64

    /// Asks for a disk by its name; the empty name is the server's first.
    static func run(
        _ stream: any ByteStream, export name: String, of server: String
    ) throws(KuraError) -> NBDExport {
        guard name.utf8.count <= Wire.stringBytesMax else {
            throw KuraError(.invalidInput, "the name of the export is too long")
        }
        let handshake = Handshake(stream: stream, server: server)
        try handshake.greet()
        let isStructured = try handshake.asksForStructuredReplies()
        let context = isStructured ? try handshake.allocationContext(of: name) : nil
        let byteCount = try handshake.go(to: name)
        return NBDExport(
            byteCount: byteCount, hasStructuredReplies: isStructured, allocationContext: context)
    }

    private func greet() throws(KuraError) {
        let greeting = try stream.receive(18)
        guard greeting.integer(at: 0) == Wire.greeting,
            greeting.integer(at: 8) == Wire.optionMagic
        else { throw violation("it is no NBD server of the newer style") }
        let flags: UInt16 = greeting.integer(at: 16)
        guard flags & Wire.fixedNewstyle != 0 else {
            throw violation("it is an NBD server of an old style")
        }
        var answer: [UInt8] = []
        answer.put(UInt32(flags & (Wire.fixedNewstyle | Wire.noZeroes)))
        try stream.send(answer)
    }

    private func asksForStructuredReplies() throws(KuraError) -> Bool {
        try send(Wire.Option.structuredReply, [])
        let reply = try reply(to: Wire.Option.structuredReply)
        return reply.kind == Wire.OptionReply.acknowledged
    }

    private func allocationContext(of name: String) throws(KuraError) -> UInt32? {
        var data = Self.string(name)
        data.put(UInt32(1))
        data += Self.string(Wire.allocationContext)
        try send(Wire.Option.setMetaContext, data)
        var found: UInt32?
        for _ in 0..<Self.repliesMax {
            let reply = try reply(to: Wire.Option.setMetaContext)
            switch reply.kind {
            case Wire.OptionReply.metaContext:
                guard reply.data.count > 4 else { throw violation("a context without a name") }
                let isAllocation = reply.data[4...].elementsEqual(Wire.allocationContext.utf8)
                guard isAllocation, found == nil else {
                    throw violation("it gave a context that was not asked for")
                }
                found = reply.data.integer(at: 0)
            case Wire.OptionReply.acknowledged: return found
            // Without contexts every byte is read.
            case let kind where kind & Wire.OptionReply.errorBit != 0: return nil
            default: throw violation("reply \(reply.kind) to a context")
            }
        }
        throw violation("it does not end its list of contexts")
    }

    private func go(to name: String) throws(KuraError) -> UInt64 {
        var data = Self.string(name)
        data.put(UInt16(0))
        try send(Wire.Option.go, data)
        var byteCount: UInt64?
        for _ in 0..<Self.repliesMax {
            let reply = try reply(to: Wire.Option.go)
            switch reply.kind {
            case Wire.OptionReply.info:
                guard reply.data.count >= 2 else { throw violation("an empty description") }
                guard reply.data.integer(at: 0) == Wire.infoExport else { continue }
                guard reply.data.count == 12 else { throw violation("a wrong description") }
                byteCount = reply.data.integer(at: 2)
            case Wire.OptionReply.acknowledged:
                guard let byteCount else { throw violation("it says no size") }
                guard byteCount <= UInt64(Int64.max) else {
                    throw violation("it says that the disk has \(byteCount) bytes")
                }
                return byteCount
            case Wire.OptionReply.unknownExport:
                throw KuraError(.notFound, "\(server) has no disk \"\(name)\"")
            case let kind where kind & Wire.OptionReply.errorBit != 0:
                let text = String(decoding: reply.data.prefix(500), as: UTF8.self)
                throw KuraError(.io, "\(server) does not give its disk: \(text)")
            default: throw violation("reply \(reply.kind) to the choice of a disk")
            }
        }
        throw violation("it does not end its description")
    }

    // MARK: Options and their replies

    private static func string(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.put(UInt32(text.utf8.count))
        return bytes + text.utf8
    }

    private func send(_ option: UInt32, _ data: [UInt8]) throws(KuraError) {
        var bytes: [UInt8] = []
        bytes.put(Wire.optionMagic)
        bytes.put(option)
        bytes.put(UInt32(data.count))
        try stream.send(bytes + data)
    }

    private func reply(
        to option: UInt32
    ) throws(KuraError) -> (kind: UInt32, data: [UInt8]) {
        let header = try stream.receive(20)
        let count: UInt32 = header.integer(at: 16)
        guard header.integer(at: 0) == Wire.optionReplyMagic,
            header.integer(at: 8) == option, count <= Self.replyBytesMax
        else { throw violation("it does not answer what was asked") }
        return (header.integer(at: 12), try stream.receive(Int(count)))
    }

    private func violation(_ what: String) -> KuraError {
        .nbdViolation(what, by: server)
    }
}

extension KuraError {
    /// A server that does not keep to the protocol.
    static func nbdViolation(_ what: String, by server: String) -> KuraError {
        KuraError(.io, "\(server) does not keep to the protocol of NBD: \(what)")
    }
}
