internal import KuraIO

/// A read that was asked for and is not over.
struct PendingRead {
    let cookie: UInt64
    let range: Range<UInt64>
    /// Where its bytes go: into the reader's memory, or, when they come before their reader, into
    /// a buffer of their own.
    var target: UnsafeMutableRawBufferPointer
    var buffer: AlignedBuffer?
    /// Parts that have come, in any order.
    var parts: [Range<UInt64>] = []
    var error: UInt32?
    var isDone = false
}

/// One connection to a server, for one thread at a time, with several reads in flight.
///
/// A server may answer in any order and in parts. Whatever it answers, it cannot make this trap,
/// take memory without bound, or leave bytes of a read unset.
final class Connection {
    let export: NBDExport
    private let stream: any ByteStream
    private let server: String
    private var lastCookie: UInt64 = 0
    /// In the order of their offsets.
    private var pending: [PendingRead] = []
    private var spare: [AlignedBuffer] = []

    /// 256 KiB: with more, QEMU's server needs twice the time of the processor for a byte.
    static let requestBytes = 256 << 10
    /// Requests that are on their way beyond what the reader asked for.
    private static let aheadMax = 4
    /// Most parts of one reply: QEMU gives one for each stretch of data or zeros.
    private static let partsMax = 1024
    /// Most stretches in one answer about holes.
    private static let stretchesMax = 1 << 16

    init(
        _ stream: any ByteStream, export name: String, of server: String
    ) throws(KuraError) {
        export = try Handshake.run(stream, export: name, of: server)
        self.stream = stream
        self.server = server
    }

    func end(with cancellation: Cancellation) { stream.end(with: cancellation) }

    /// Where the read ahead goes on; nil where nothing was asked for ahead.
    var nextOffset: UInt64? { pending.first?.range.lowerBound }

    // MARK: Reading

    /// Fills `target` from `offset`, and asks for what follows, up to `limit`.
    /// - Parameter limit: at least the end of `target`, at most the end of the disk.
    /// - Throws: when the connection cannot be used any more.
    /// - Returns: the error number of a read that failed; 0 when all came.
    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer, aheadTo limit: UInt64
    ) throws(KuraError) -> UInt32 {
        let wanted = offset..<(offset + UInt64(target.count))
        if pending.first.map({ $0.range.lowerBound != offset }) ?? false { try drain() }
        var next = pending.last?.range.upperBound ?? offset
        while next < limit {
            let isWanted = next < wanted.upperBound
            let ahead = pending.count(where: { $0.range.lowerBound >= wanted.upperBound })
            guard isWanted || ahead < Self.aheadMax else { break }
            let end = isWanted ? wanted.upperBound : limit
            let count = min(UInt64(Self.requestBytes), end - next)
            try ask(for: next..<(next + count))
            next += count
        }
        place(wanted, in: target)
        var error: UInt32 = 0
        while let first = pending.first, first.range.lowerBound < wanted.upperBound {
            while !pending[0].isDone { try receiveReply() }
            let done = pending.removeFirst()
            error = error == 0 ? done.error ?? 0 : error
            if let buffer = done.buffer {
                let start = Int(done.range.lowerBound - offset)
                let count = min(done.range.count, target.count - start)
                (target.baseAddress! + start).copyMemory(from: buffer.base, byteCount: count)
                spare.append(buffer)
            }
        }
        return error
    }

    /// Lets reads of which nothing came yet go straight into the reader's memory.
    private func place(_ wanted: Range<UInt64>, in target: UnsafeMutableRawBufferPointer) {
        for index in pending.indices {
            let read = pending[index]
            guard read.buffer == nil else { continue }
            if read.range.upperBound <= wanted.upperBound {
                let start = Int(read.range.lowerBound - wanted.lowerBound)
                pending[index].target = UnsafeMutableRawBufferPointer(
                    rebasing: target[start..<(start + read.range.count)])
            }
        }
    }

    private func ask(for range: Range<UInt64>) throws(KuraError) {
        let cookie = try request(Wire.Command.read, range)
        pending.append(
            PendingRead(
                cookie: cookie, range: range,
                target: UnsafeMutableRawBufferPointer(start: nil, count: 0)))
    }

    private func request(
        _ command: UInt16, _ range: Range<UInt64>
    ) throws(KuraError) -> UInt64 {
        lastCookie += 1
        var bytes: [UInt8] = []
        bytes.reserveCapacity(28)
        bytes.put(Wire.requestMagic)
        bytes.put(UInt16(0))
        bytes.put(command)
        bytes.put(lastCookie)
        bytes.put(range.lowerBound)
        bytes.put(UInt32(range.count))
        try stream.send(bytes)
        return lastCookie
    }

    /// Waits for what was asked for ahead and is not wanted any more.
    private func drain() throws(KuraError) {
        while pending.contains(where: { !$0.isDone }) { try receiveReply() }
        for read in pending { if let buffer = read.buffer { spare.append(buffer) } }
        pending.removeAll(keepingCapacity: true)
    }

    // MARK: Replies to reads

    private func receiveReply() throws(KuraError) {
        let magic: UInt32 = try stream.receive(4).integer(at: 0)
        switch magic {
        case Wire.simpleReplyMagic where !export.hasStructuredReplies: try receiveSimple()
        case Wire.structuredReplyMagic where export.hasStructuredReplies: try receiveChunk()
        default: throw violation("a reply begins with other bytes than it must")
        }
    }

    private func receiveSimple() throws(KuraError) {
        let header = try stream.receive(12)
        let index = try index(of: header.integer(at: 4))
        let error: UInt32 = header.integer(at: 0)
        if error == 0 {
            try receive(pending[index].range, of: index)
        } else {
            pending[index].error = error
        }
        try finish(index)
    }

    private func receiveChunk() throws(KuraError) {
        let header = try stream.receive(16)
        let index = try index(of: header.integer(at: 4))
        let (flags, kind): (UInt16, UInt16) = (header.integer(at: 0), header.integer(at: 2))
        let count: UInt32 = header.integer(at: 12)
        switch kind {
        case Wire.Chunk.none:
            guard count == 0, flags & Wire.Chunk.doneFlag != 0 else {
                throw violation("an empty part that is not the last one")
            }
        case Wire.Chunk.data:
            guard count > 8 else { throw violation("a part without bytes") }
            let start: UInt64 = try stream.receive(8).integer(at: 0)
            try receive(part(start, count - 8, of: index), of: index)
        case Wire.Chunk.hole:
            guard count == 12 else { throw violation("a hole of a wrong length") }
            let body = try stream.receive(12)
            let range = try part(body.integer(at: 0), body.integer(at: 8), of: index)
            clear(range, of: index)
        case let kind where kind & Wire.Chunk.errorBit != 0:
            pending[index].error = try receiveError(count)
        default: throw violation("a part of kind \(kind)")
        }
        if flags & Wire.Chunk.doneFlag != 0 { try finish(index) }
    }

    /// The number of an error, never 0; its text goes nowhere.
    private func receiveError(_ count: UInt32) throws(KuraError) -> UInt32 {
        guard 6...UInt32(Wire.stringBytesMax) ~= count else {
            throw violation("an error of a wrong length")
        }
        return max(1, try stream.receive(Int(count)).integer(at: 0))
    }

    private func index(of cookie: UInt64) throws(KuraError) -> Int {
        guard let index = pending.firstIndex(where: { $0.cookie == cookie && !$0.isDone }) else {
            throw violation("an answer to what was not asked")
        }
        return index
    }

    /// A part of a reply that lies within what was asked for, and within nothing that came before.
    private func part(
        _ start: UInt64, _ count: UInt32, of index: Int
    ) throws(KuraError) -> Range<UInt64> {
        let read = pending[index]
        let (end, overflow) = start.addingReportingOverflow(UInt64(count))
        guard !overflow, count > 0, start >= read.range.lowerBound, end <= read.range.upperBound
        else { throw violation("bytes that were not asked for") }
        guard read.parts.count < Self.partsMax else { throw violation("a reply in too many parts") }
        let range = start..<end
        guard !read.parts.contains(where: { $0.overlaps(range) }) else {
            throw violation("bytes that came already")
        }
        // Most replies come in order: then there is one part.
        if let last = read.parts.last, last.upperBound == start {
            pending[index].parts[read.parts.count - 1] = last.lowerBound..<end
        } else {
            pending[index].parts.append(range)
        }
        return range
    }

    private func memory(
        for range: Range<UInt64>, of index: Int
    ) -> UnsafeMutableRawBufferPointer {
        if pending[index].target.baseAddress == nil {
            let buffer = spare.popLast() ?? AlignedBuffer(byteCount: Self.requestBytes)
            pending[index].buffer = buffer
            pending[index].target = UnsafeMutableRawBufferPointer(
                rebasing: buffer.bytes[..<pending[index].range.count])
        }
        let start = Int(range.lowerBound - pending[index].range.lowerBound)
        return UnsafeMutableRawBufferPointer(
            rebasing: pending[index].target[start..<(start + range.count)])
    }

    private func receive(_ range: Range<UInt64>, of index: Int) throws(KuraError) {
        if !export.hasStructuredReplies { pending[index].parts = [range] }
        try stream.receive(into: memory(for: range, of: index))
    }

    private func clear(_ range: Range<UInt64>, of index: Int) {
        memory(for: range, of: index).initializeMemory(as: UInt8.self, repeating: 0)
    }

    private func finish(_ index: Int) throws(KuraError) {
        let read = pending[index]
        if read.error == nil {
            let count = read.parts.reduce(0) { $0 + $1.count }
            guard count == read.range.count else { throw violation("a reply without all bytes") }
        }
        pending[index].isDone = true
    }

    // MARK: Holes

    /// Stretches of a range that may hold data, in ascending order; all of it where the server
    /// does not tell.
    func data(in range: Range<UInt64>) throws(KuraError) -> [Range<UInt64>] {
        guard let context = export.allocationContext else { return [range] }
        try drain()
        var found: [Range<UInt64>] = []
        var next = range.lowerBound
        var stretches = 0
        while next < range.upperBound {
            let cookie = try request(Wire.Command.blockStatus, next..<range.upperBound)
            let answer = try receiveStretches(cookie, context)
            // A server that cannot tell has said so by an error.
            guard !answer.isEmpty else { return [range] }
            stretches += answer.count
            guard stretches <= Self.stretchesMax else { throw violation("too many stretches") }
            for stretch in answer where next < range.upperBound {
                let end = min(next + UInt64(stretch.byteCount), range.upperBound)
                if stretch.flags & Wire.readsAsZeros == 0 {
                    if let last = found.last, last.upperBound == next {
                        found[found.count - 1] = last.lowerBound..<end
                    } else {
                        found.append(next..<end)
                    }
                }
                next = end
            }
        }
        return found
    }

    private func receiveStretches(
        _ cookie: UInt64, _ context: UInt32
    ) throws(KuraError) -> [(byteCount: UInt32, flags: UInt32)] {
        var stretches: [(byteCount: UInt32, flags: UInt32)] = []
        var hasFailed = false
        for _ in 0..<Self.partsMax {
            let header = try stream.receive(16)
            // Only an error may come like this.
            let isSimple = header.integer(at: 0) == Wire.simpleReplyMagic
            guard header.integer(at: 8) == cookie,
                isSimple || header.integer(at: 0) == Wire.structuredReplyMagic
            else { throw violation("an answer to what was not asked") }
            if isSimple {
                guard header.integer(at: 4, as: UInt32.self) != 0 else {
                    throw violation("an answer about holes without any")
                }
                return []
            }
            let (flags, kind): (UInt16, UInt16) = (header.integer(at: 4), header.integer(at: 6))
            let count: UInt32 = try stream.receive(4).integer(at: 0)
            switch kind {
            case Wire.Chunk.none:
                guard count == 0 else { throw violation("an empty part with bytes") }
            case Wire.Chunk.blockStatus:
                guard stretches.isEmpty, count >= 12, count % 8 == 4,
                    count / 8 <= Self.stretchesMax
                else { throw violation("stretches of a wrong length") }
                let body = try stream.receive(Int(count))
                guard body.integer(at: 0) == context else { throw violation("a wrong context") }
                for place in stride(from: 4, to: body.count, by: 8) {
                    let byteCount: UInt32 = body.integer(at: place)
                    guard byteCount > 0 else { throw violation("an empty stretch") }
                    stretches.append((byteCount, body.integer(at: place + 4)))
                }
            case let kind where kind & Wire.Chunk.errorBit != 0:
                _ = try receiveError(count)
                hasFailed = true
            default: throw violation("a part of kind \(kind)")
            }
            guard flags & Wire.Chunk.doneFlag != 0 else { continue }
            guard hasFailed || !stretches.isEmpty else { throw violation("no stretches") }
            return hasFailed ? [] : stretches
        }
        throw violation("an answer about holes that does not end")
    }

    private func violation(_ what: String) -> KuraError { .nbdViolation(what, by: server) }
}
