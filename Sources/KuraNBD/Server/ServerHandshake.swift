internal import KuraIO

/// What server and client have agreed on.
struct ServedTerms {
    var disk: NBDServer.Disk
    var hasStructuredReplies = false
    /// Whether the client may ask where data is.
    var tellsOfHoles = false
}

/// The first part of a connection, as the server leads it.
struct ServerHandshake {
    private let stream: any ByteStream
    private let disks: [NBDServer.Disk]

    /// Longest data of an option that is looked at.
    private static let optionBytesMax: UInt32 = 64 << 10
    private static let optionsMax = 1000

    init(_ stream: any ByteStream, _ disks: [NBDServer.Disk]) {
        self.stream = stream
        self.disks = disks
    }

    /// - Returns: nil where the client wanted no disk.
    func run() throws(KuraError) -> ServedTerms? {
        let hasNoZeroes = try greet()
        var isStructured = false
        // The disk for which the client asked to hear of holes.
        var context: String?
        for _ in 0..<Self.optionsMax {
            let option = try receiveOption()
            switch option.kind {
            case Wire.Option.exportName:
                guard let disk = disk(String(decoding: option.data.rest, as: UTF8.self)) else {
                    throw .nbdClient("it asked for a disk that is not here")
                }
                var bytes: [UInt8] = []
                bytes.put(disk.byteCount)
                bytes.put(Self.flags(isStructured))
                if !hasNoZeroes { bytes += [UInt8](repeating: 0, count: 124) }
                try stream.send(bytes)
                return terms(disk, isStructured: isStructured, context: context)
            case Wire.Option.abort:
                try reply(to: option, Wire.OptionReply.acknowledged)
                return nil
            case Wire.Option.list: try list(option)
            case Wire.Option.structuredReply:
                if try requireEmpty(option) {
                    isStructured = true
                    try reply(to: option, Wire.OptionReply.acknowledged)
                }
            case Wire.Option.listMetaContext: _ = try contexts(option, isStructured: true)
            case Wire.Option.setMetaContext:
                context = try contexts(option, isStructured: isStructured)
            case Wire.Option.info, Wire.Option.go:
                if let disk = try inform(option, isStructured), option.kind == Wire.Option.go {
                    return terms(disk, isStructured: isStructured, context: context)
                }
            default: try reply(to: option, Wire.OptionReply.unsupported)
            }
        }
        throw .nbdClient("it does not come to a choice")
    }

    private func terms(
        _ disk: NBDServer.Disk, isStructured: Bool, context: String?
    ) -> ServedTerms {
        let isSame = context.flatMap { self.disk($0) }?.name == disk.name
        return ServedTerms(
            disk: disk, hasStructuredReplies: isStructured,
            tellsOfHoles: isStructured && context != nil && isSame)
    }

    /// What a client may do with every disk.
    private static func flags(_ isStructured: Bool) -> UInt16 {
        Wire.readOnly | Wire.multipleConnections | (isStructured ? Wire.givesWhole : 0)
    }

    private func disk(_ name: String) -> NBDServer.Disk? {
        name.isEmpty ? disks.first : disks.first { $0.name == name }
    }

    // MARK: Options

    private struct Option {
        var kind: UInt32
        var data: OptionData
    }

    /// - Returns: whether zeros behind the answer to an old option may be left out.
    private func greet() throws(KuraError) -> Bool {
        var greeting: [UInt8] = []
        greeting.put(Wire.greeting)
        greeting.put(Wire.optionMagic)
        greeting.put(Wire.fixedNewstyle | Wire.noZeroes)
        try stream.send(greeting)
        let flags: UInt32 = try stream.receive(4).integer(at: 0)
        guard flags & UInt32(Wire.fixedNewstyle) != 0,
            flags & ~UInt32(Wire.fixedNewstyle | Wire.noZeroes) == 0
        else { throw .nbdClient("its first flags are wrong") }
        return flags & UInt32(Wire.noZeroes) != 0
    }

    private func receiveOption() throws(KuraError) -> Option {
        let header = try stream.receive(16)
        let count: UInt32 = header.integer(at: 12)
        guard header.integer(at: 0) == Wire.optionMagic, count <= Self.optionBytesMax else {
            throw .nbdClient("an option begins with other bytes than it must")
        }
        return Option(
            kind: header.integer(at: 8), data: OptionData(try stream.receive(Int(count))))
    }

    private func reply(
        to option: Option, _ kind: UInt32, _ data: [UInt8] = []
    ) throws(KuraError) {
        var bytes: [UInt8] = []
        bytes.put(Wire.optionReplyMagic)
        bytes.put(option.kind)
        bytes.put(kind)
        bytes.put(UInt32(data.count))
        try stream.send(bytes + data)
    }

    private func requireEmpty(_ option: Option) throws(KuraError) -> Bool {
        if option.data.rest.isEmpty { return true }
        try reply(to: option, Wire.OptionReply.invalid)
        return false
    }

    private func list(_ option: Option) throws(KuraError) {
        guard try requireEmpty(option) else { return }
        for disk in disks {
            var data: [UInt8] = []
            data.put(UInt32(disk.name.utf8.count))
            try reply(to: option, Wire.OptionReply.server, data + disk.name.utf8)
        }
        try reply(to: option, Wire.OptionReply.acknowledged)
    }

    /// Answers what a disk is.
    /// - Returns: nil where there is none of that name.
    private func inform(
        _ option: Option, _ isStructured: Bool
    ) throws(KuraError) -> NBDServer.Disk? {
        var data = option.data
        guard let name = data.string(), let count: UInt16 = data.integer(),
            data.rest.count == Int(count) * 2
        else {
            try reply(to: option, Wire.OptionReply.invalid)
            return nil
        }
        guard let disk = disk(name) else {
            try reply(to: option, Wire.OptionReply.unknownExport)
            return nil
        }
        while let wanted: UInt16 = data.integer() {
            var answer: [UInt8] = []
            answer.put(wanted)
            switch wanted {
            case Wire.infoName: answer += disk.name.utf8
            case Wire.infoBlockSize:
                answer.put(UInt32(1))
                answer.put(UInt32(Connection.requestBytes))
                answer.put(UInt32(ServedClient.requestBytesMax))
            default: continue
            }
            try reply(to: option, Wire.OptionReply.info, answer)
        }
        var answer: [UInt8] = []
        answer.put(Wire.infoExport)
        answer.put(disk.byteCount)
        answer.put(Self.flags(isStructured))
        try reply(to: option, Wire.OptionReply.info, answer)
        try reply(to: option, Wire.OptionReply.acknowledged)
        return disk
    }

    /// Answers which contexts there are.
    /// - Returns: the name of the disk, where the client asked for the one that there is.
    private func contexts(
        _ option: Option, isStructured: Bool
    ) throws(KuraError) -> String? {
        var data = option.data
        guard isStructured, let name = data.string(), let count: UInt32 = data.integer() else {
            try reply(to: option, Wire.OptionReply.invalid)
            return nil
        }
        var queries: [String] = []
        for _ in 0..<min(count, Self.optionBytesMax / 4) {
            guard let query = data.string() else { break }
            queries.append(query)
        }
        guard queries.count == count, data.rest.isEmpty else {
            try reply(to: option, Wire.OptionReply.invalid)
            return nil
        }
        guard disk(name) != nil else {
            try reply(to: option, Wire.OptionReply.unknownExport)
            return nil
        }
        let isList = option.kind == Wire.Option.listMetaContext
        let isWanted =
            queries.contains(Wire.allocationContext)
            || isList && (queries.isEmpty || queries.contains("base:"))
        if isWanted {
            var answer: [UInt8] = []
            answer.put(isList ? 0 : ServedClient.allocationContext)
            try reply(
                to: option, Wire.OptionReply.metaContext, answer + Wire.allocationContext.utf8)
        }
        try reply(to: option, Wire.OptionReply.acknowledged)
        return isWanted && !isList ? name : nil
    }
}

/// The data of an option, read from its start. Nil where it ends too early.
struct OptionData {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func integer<T: FixedWidthInteger>() -> T? {
        let count = MemoryLayout<T>.size
        guard rest.count >= count else { return nil }
        let value = rest.prefix(count).reduce(T(0)) { $0 << 8 | T($1) }
        rest = rest.dropFirst(count)
        return value
    }

    /// Its length, then its bytes.
    mutating func string() -> String? {
        guard let count: UInt32 = integer(), count <= Wire.stringBytesMax, count <= rest.count
        else { return nil }
        let text = String(decoding: rest.prefix(Int(count)), as: UTF8.self)
        rest = rest.dropFirst(Int(count))
        return text
    }
}

extension KuraError {
    /// A client that does not keep to the protocol.
    static func nbdClient(_ what: String) -> KuraError {
        KuraError(.io, "a client does not keep to the protocol of NBD: \(what)")
    }
}
