internal import Glibc
public import KuraIO
internal import SystemPackage

/// A disk that an NBD server gives, over several connections: each thread that reads has one for
/// itself, and what it will read next is asked for ahead.
///
/// `@unchecked Sendable`: `monitor` guards the state, and one thread at a time has a connection.
public final class NBDSource: DiskSource, @unchecked Sendable {
    public let name: String
    public let byteCount: UInt64
    private let explain: @Sendable (KuraError) -> KuraError

    private let monitor = Monitor()
    /// Connections that no thread has at the moment; the one that was used last is the last.
    private var free: [Connection]
    private let all: [Connection]
    private var known = KnownData()
    /// What ended the first connection: no other error must hide it.
    private var failure: KuraError?

    /// How far a disk is looked at for holes at once, and read ahead at most: as far as one thread
    /// reads in one go.
    package static let stretchBytes: UInt64 = 32 << 20

    /// - Parameters:
    ///   - streams: connected to one server, at least one.
    ///   - export: name of the disk; empty for the server's first.
    ///   - name: what messages call the disk.
    ///   - explain: adds what is known elsewhere to an error of the server.
    public init(
        _ streams: [any ByteStream], export: String = "", name: String,
        explain: @escaping @Sendable (KuraError) -> KuraError = { $0 }
    ) throws(KuraError) {
        precondition(!streams.isEmpty, "a server is read through a connection")
        var connections: [Connection] = []
        do throws(KuraError) {
            for stream in streams {
                connections.append(try Connection(stream, export: export, of: name))
            }
            guard connections.allSatisfy({ $0.export == connections[0].export }) else {
                throw .nbdViolation("it says different things of one disk", by: name)
            }
        } catch {
            throw explain(error)
        }
        all = connections
        free = connections
        byteCount = connections[0].export.byteCount
        self.name = name
        self.explain = explain
    }

    public var knownByteCount: UInt64? { byteCount }

    public func hasChanged() throws(KuraError) -> Bool { false }

    public func end(with cancellation: Cancellation) {
        for connection in all { connection.end(with: cancellation) }
    }

    public func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        var range = range.clamped(to: 0..<byteCount)
        while !range.isEmpty {
            let stretch = self.stretch(at: range.lowerBound)
            if let data = try data(in: stretch).first(where: { $0.upperBound > range.lowerBound }),
                data.lowerBound < range.upperBound
            {
                return data.clamped(to: range)
            }
            range = min(stretch.upperBound, range.upperBound)..<range.upperBound
        }
        return nil
    }

    public func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        guard offset < byteCount, !target.isEmpty else { return 0 }
        let count = Int(min(UInt64(target.count), byteCount - offset))
        let target = UnsafeMutableRawBufferPointer(rebasing: target[..<count])
        let error = try withConnection(at: offset) { connection throws(KuraError) in
            try connection.read(
                at: offset, into: target, aheadTo: limit(of: offset..<(offset + UInt64(count))))
        }
        guard error == 0 else {
            throw explain(
                KuraError(
                    .io,
                    "cannot read \(name) at offset \(offset): "
                        + "\(Errno(rawValue: CInt(clamping: error)))"))
        }
        return count
    }

    // MARK: Holes

    private func stretch(at offset: UInt64) -> Range<UInt64> {
        let start = offset / Self.stretchBytes * Self.stretchBytes
        return start..<min(start + Self.stretchBytes, byteCount)
    }

    private func data(in stretch: Range<UInt64>) throws(KuraError) -> [Range<UInt64>] {
        if let data = monitor.withLock({ known[stretch.lowerBound] }) { return data }
        let data = try withConnection(at: nil) { connection throws(KuraError) in
            try connection.data(in: stretch)
        }
        monitor.withLock { known[stretch.lowerBound] = data }
        return data
    }

    /// How far a read may go ahead: to the end of the data, and of what one thread reads in one go.
    private func limit(of range: Range<UInt64>) -> UInt64 {
        let stretch = stretch(at: range.lowerBound)
        let data = monitor.withLock { known[stretch.lowerBound] }
        let run = data?.first { $0.contains(range.lowerBound) }
        return max(range.upperBound, run?.upperBound ?? range.upperBound)
    }

    // MARK: Connections

    /// Calls `body` with a connection that no other thread has, best with the one that has asked
    /// for the bytes at this offset already.
    private func withConnection<T>(
        at offset: UInt64?, _ body: (Connection) throws(KuraError) -> T
    ) throws(KuraError) -> T {
        let connection = try take(for: offset)
        do throws(KuraError) {
            let result = try body(connection)
            monitor.withLock {
                free.append(connection)
                monitor.wakeAll()
            }
            return result
        } catch {
            // It may be in the middle of a reply.
            let error = error.code == .interrupted ? error : explain(error)
            monitor.withLock {
                failure = failure ?? error
                monitor.wakeAll()
            }
            throw error
        }
    }

    private func take(for offset: UInt64?) throws(KuraError) -> Connection {
        let taken: Result<Connection, KuraError> = monitor.withLock {
            while failure == nil, free.isEmpty { monitor.wait() }
            if let failure { return .failure(failure) }
            // One that has read ahead for another thread only when there is no other.
            let place =
                free.firstIndex { offset != nil && $0.nextOffset == offset }
                ?? free.firstIndex { $0.nextOffset == nil } ?? 0
            return .success(free.remove(at: place))
        }
        return try taken.get()
    }
}

/// Where data is in the stretches that were asked for last.
private struct KnownData {
    private var stretches: [(start: UInt64, data: [Range<UInt64>])] = []
    /// Each thread is in one stretch, and looks at the end of the one before.
    private static let countMax = 64

    subscript(_ start: UInt64) -> [Range<UInt64>]? {
        get { stretches.last { $0.start == start }?.data }
        set {
            if stretches.count == Self.countMax { stretches.removeFirst() }
            if let newValue { stretches.append((start, newValue)) }
        }
    }
}
