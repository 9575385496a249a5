internal import Glibc
internal import KuraIO
internal import Synchronization

/// One client that reads a disk: one thread takes its requests, others answer them, in any order.
///
/// `@unchecked Sendable`: `monitor` guards the requests, and `sending` each part of a reply.
final class ServedClient: @unchecked Sendable {
    private let stream: any ByteStream
    private let terms: ServedTerms
    private let byteCount: UInt64
    private let threads: Int
    private let readFailed: @Sendable (KuraError) -> Void

    private let monitor = Monitor()
    private var waiting: [Request] = []
    /// Nothing comes any more.
    private var isOver = false
    private var failure: KuraError?
    private let sending = Mutex<Void>(())

    /// Most bytes of one read: what every client may ask for without knowing.
    static let requestBytesMax = 32 << 20
    /// The number of the only context.
    static let allocationContext: UInt32 = 1
    /// Requests that were taken and have no thread yet: with more, the client waits.
    private static let waitingMax = 64
    /// Plain bytes of one part of a reply.
    private static let partBytes = 256 << 10
    /// A shorter hole between data goes as zeros.
    private static let holeBytesMin: UInt64 = 64 << 10
    /// Most stretches in one answer about holes.
    private static let stretchesMax = 4096

    private struct Request {
        var flags: UInt16
        var command: UInt16
        var cookie: UInt64
        var offset: UInt64
        var byteCount: UInt32

        var end: UInt64 { offset + UInt64(byteCount) }
    }

    init(
        _ stream: any ByteStream, _ terms: ServedTerms, threads: Int,
        readFailed: @escaping @Sendable (KuraError) -> Void
    ) {
        self.stream = stream
        self.terms = terms
        byteCount = terms.disk.byteCount
        self.threads = max(1, threads)
        self.readFailed = readFailed
    }

    /// Returns when the client has said that it leaves, or has left between two requests.
    func run() throws(KuraError) {
        Threads.run(1 + threads) { number in
            do throws(KuraError) {
                if number == 0 { try takeRequests() } else { try answerRequests() }
            } catch {
                end(with: error)
            }
        }
        if let failure { throw failure }
    }

    private func end(with error: KuraError) {
        let isFirst = monitor.withLock {
            defer {
                isOver = true
                waiting = []
                failure = failure ?? error
                monitor.wakeAll()
            }
            return failure == nil
        }
        guard isFirst else { return }
        // The other threads may wait for a client that does not go on.
        let end = Cancellation()
        end.cancel()
        stream.end(with: end)
    }

    // MARK: Requests

    private func takeRequests() throws(KuraError) {
        while try stream.waitForBytes() {
            let header = try stream.receive(28)
            guard header.integer(at: 0) == Wire.requestMagic else {
                throw .nbdClient("a request begins with other bytes than it must")
            }
            let request = Request(
                flags: header.integer(at: 4), command: header.integer(at: 6),
                cookie: header.integer(at: 8), offset: header.integer(at: 16),
                byteCount: header.integer(at: 24))
            if request.command == Wire.Command.disconnect { break }
            if request.command == Wire.Command.write { try skipBytes(of: request) }
            let goesOn = monitor.withLock {
                while waiting.count >= Self.waitingMax, !isOver { monitor.wait() }
                if !isOver { waiting.append(request) }
                monitor.wakeAll()
                return !isOver
            }
            guard goesOn else { return }
        }
        monitor.withLock {
            isOver = true
            monitor.wakeAll()
        }
    }

    /// The bytes of a write must be taken before it can be refused.
    private func skipBytes(of request: Request) throws(KuraError) {
        guard request.byteCount <= UInt32(Self.requestBytesMax) else {
            throw .nbdClient("a write of \(request.byteCount) bytes")
        }
        var rest = Int(request.byteCount)
        while rest > 0 {
            let part = min(rest, Self.partBytes)
            _ = try stream.receive(part)
            rest -= part
        }
    }

    private func answerRequests() throws(KuraError) {
        var buffer = ReplyBuffer(byteCount: Self.partBytes)
        while let request = nextRequest() {
            try answer(request, &buffer)
            // A client that reads much at once rarely does it again.
            if buffer.byteCount > Self.partBytes { buffer = ReplyBuffer(byteCount: Self.partBytes) }
        }
    }

    private func nextRequest() -> Request? {
        monitor.withLock {
            while waiting.isEmpty {
                if isOver { return nil }
                monitor.wait()
            }
            defer { monitor.wakeAll() }
            return waiting.removeFirst()
        }
    }

    private func answer(_ request: Request, _ buffer: inout ReplyBuffer) throws(KuraError) {
        let isInside =
            request.byteCount <= byteCount
            && request.offset <= byteCount - UInt64(request.byteCount)
        switch request.command {
        case Wire.Command.read:
            guard isInside, request.flags & ~Wire.Command.wholeFlag == 0,
                request.byteCount <= UInt32(Self.requestBytesMax)
            else {
                return try refuse(request, as: EINVAL, "a read outside of the disk, or too long")
            }
            if !terms.hasStructuredReplies {
                try sendAtOnce(request, &buffer)
            } else if request.flags & Wire.Command.wholeFlag != 0 || request.byteCount == 0 {
                try sendAtOnce(request, &buffer)
            } else {
                try sendParts(request, &buffer)
            }
        case Wire.Command.blockStatus:
            guard terms.tellsOfHoles, isInside, request.byteCount > 0,
                request.flags & ~Wire.Command.oneFlag == 0
            else { return try refuse(request, as: EINVAL, "a question that was not agreed on") }
            try sendStretches(request)
        // Nothing is written, so everything is durable.
        case Wire.Command.flush: try acknowledge(request)
        case Wire.Command.write, Wire.Command.trim, Wire.Command.writeZeroes:
            try refuse(request, as: EPERM, "the disk of a recovery point is never written to")
        default: try refuse(request, as: EINVAL, "no such command")
        }
    }

    // MARK: Replies

    private func send(_ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        let result = sending.withLock { _ -> Result<Void, KuraError> in
            do throws(KuraError) {
                return .success(try stream.send(bytes))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func send(_ bytes: [UInt8]) throws(KuraError) {
        try withKuraErrors { try bytes.withUnsafeBytes { try send($0) } }
    }

    private func acknowledge(_ request: Request) throws(KuraError) {
        var bytes: [UInt8] = []
        bytes.put(Wire.simpleReplyMagic)
        bytes.put(UInt32(0))
        bytes.put(request.cookie)
        try send(bytes)
    }

    /// An answer that is an error, also behind parts that went already.
    private func refuse(
        _ request: Request, as number: Int32, _ reason: String
    ) throws(KuraError) {
        var bytes: [UInt8] = []
        if terms.hasStructuredReplies {
            let text = Array(reason.utf8.prefix(Wire.stringBytesMax))
            bytes.put(Wire.structuredReplyMagic)
            bytes.put(Wire.Chunk.doneFlag)
            bytes.put(Wire.Chunk.error)
            bytes.put(request.cookie)
            bytes.put(UInt32(6 + text.count))
            bytes.put(UInt32(number))
            bytes.put(UInt16(text.count))
            bytes += text
        } else {
            bytes.put(Wire.simpleReplyMagic)
            bytes.put(UInt32(number))
            bytes.put(request.cookie)
        }
        try send(bytes)
    }

    private func refuse(_ request: Request, after error: KuraError) throws(KuraError) {
        readFailed(error)
        try refuse(request, as: EIO, error.message)
    }

    /// All bytes of a read in one piece.
    private func sendAtOnce(_ request: Request, _ buffer: inout ReplyBuffer) throws(KuraError) {
        let count = Int(request.byteCount)
        if count > buffer.byteCount { buffer = ReplyBuffer(byteCount: count) }
        do throws(KuraError) {
            try fill(buffer.body(count), at: request.offset)
        } catch {
            return try refuse(request, after: error)
        }
        var header: [UInt8] = []
        if terms.hasStructuredReplies {
            header = dataHeader(request, at: request.offset, count, isLast: true)
        } else {
            header.put(Wire.simpleReplyMagic)
            header.put(UInt32(0))
            header.put(request.cookie)
        }
        try send(buffer.reply(header, count))
    }

    /// The bytes of a read, with its holes as such.
    private func sendParts(_ request: Request, _ buffer: inout ReplyBuffer) throws(KuraError) {
        var next = request.offset
        while next < request.end {
            let part: (end: UInt64, isHole: Bool)
            do throws(KuraError) {
                part = try self.part(from: next, to: request.end)
                if !part.isHole { try fill(buffer.body(Int(part.end - next)), at: next) }
            } catch {
                return try refuse(request, after: error)
            }
            let isLast = part.end == request.end
            if part.isHole {
                var bytes = chunkHeader(
                    request, of: Wire.Chunk.hole, byteCount: 12, isLast: isLast)
                bytes.put(next)
                bytes.put(UInt32(part.end - next))
                try send(bytes)
            } else {
                let count = Int(part.end - next)
                let header = dataHeader(request, at: next, count, isLast: isLast)
                try send(buffer.reply(header, count))
            }
            next = part.end
        }
    }

    /// Where the next part of a reply ends.
    private func part(
        from start: UInt64, to end: UInt64
    ) throws(KuraError) -> (end: UInt64, isHole: Bool) {
        let source = terms.disk.source
        let limit = min(end, start + UInt64(Self.partBytes))
        var dataEnd = start
        while dataEnd < limit {
            let data = try source.nextData(in: dataEnd..<end) ?? end..<end
            if data.lowerBound - dataEnd >= Self.holeBytesMin {
                return dataEnd == start ? (data.lowerBound, true) : (dataEnd, false)
            }
            // A last hole is short, too.
            dataEnd = data.isEmpty ? end : data.upperBound
        }
        return (min(dataEnd, limit), false)
    }

    private func fill(
        _ target: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(KuraError) {
        guard !target.isEmpty else { return }
        let count = try terms.disk.source.read(at: offset, into: target)
        guard count == target.count else {
            throw KuraError(.io, "disk \(terms.disk.name) ends before its end")
        }
    }

    private func chunkHeader(
        _ request: Request, of kind: UInt16, byteCount: Int, isLast: Bool
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        bytes.put(Wire.structuredReplyMagic)
        bytes.put(isLast ? Wire.Chunk.doneFlag : 0)
        bytes.put(kind)
        bytes.put(request.cookie)
        bytes.put(UInt32(byteCount))
        return bytes
    }

    private func dataHeader(
        _ request: Request, at offset: UInt64, _ count: Int, isLast: Bool
    ) -> [UInt8] {
        guard count > 0 else {
            return chunkHeader(request, of: Wire.Chunk.none, byteCount: 0, isLast: true)
        }
        var bytes = chunkHeader(
            request, of: Wire.Chunk.data, byteCount: 8 + count, isLast: isLast)
        bytes.put(offset)
        return bytes
    }

    // MARK: Holes

    private func sendStretches(_ request: Request) throws(KuraError) {
        let most = request.flags & Wire.Command.oneFlag == 0 ? Self.stretchesMax : 1
        var stretches: [(byteCount: UInt64, isHole: Bool)] = []
        do throws(KuraError) {
            var next = request.offset
            while next < request.end, stretches.count <= most {
                let data =
                    try terms.disk.source.nextData(in: next..<request.end)
                    ?? request.end..<request.end
                if data.lowerBound > next { stretches.append((data.lowerBound - next, true)) }
                if !data.isEmpty {
                    let count = data.upperBound - data.lowerBound
                    if let last = stretches.last, !last.isHole {
                        stretches[stretches.count - 1].byteCount += count
                    } else {
                        stretches.append((count, false))
                    }
                }
                next = data.upperBound
            }
        } catch {
            return try refuse(request, after: error)
        }
        stretches = Array(stretches.prefix(most))
        var bytes = chunkHeader(
            request, of: Wire.Chunk.blockStatus, byteCount: 4 + 8 * stretches.count, isLast: true)
        bytes.put(Self.allocationContext)
        for stretch in stretches {
            bytes.put(UInt32(stretch.byteCount))
            bytes.put(stretch.isHole ? Wire.hole | Wire.readsAsZeros : 0)
        }
        try send(bytes)
    }
}

/// Memory for the bytes of a reply, with room for a header before them, so that both go in one
/// call.
private struct ReplyBuffer {
    let byteCount: Int
    private let memory: AlignedBuffer

    /// A page, so that the bytes stay aligned.
    private static let headerRoom = 4096

    init(byteCount: Int) {
        self.byteCount = byteCount
        memory = AlignedBuffer(byteCount: Self.headerRoom + byteCount)
    }

    func body(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            rebasing: memory.bytes[Self.headerRoom..<(Self.headerRoom + count)])
    }

    func reply(_ header: [UInt8], _ count: Int) -> UnsafeRawBufferPointer {
        let start = Self.headerRoom - header.count
        let all = UnsafeMutableRawBufferPointer(
            rebasing: memory.bytes[start..<(Self.headerRoom + count)])
        all.copyBytes(from: header)
        return UnsafeRawBufferPointer(all)
    }
}
