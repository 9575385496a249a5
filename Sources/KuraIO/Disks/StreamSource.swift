internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A disk that comes as bytes in order and ends some time: standard input.
public final class StreamSource: DiskSource {
    private let descriptor: Int32
    public let name: String
    /// Bytes that were read so far.
    private let position = Atomic<UInt64>(0)
    /// Bytes that were looked at and that no read has given yet.
    private let ahead = Mutex<[UInt8]>([])

    private let ending: Mutex<Cancellation>
    /// How long a wait for bytes lasts before it looks for a cancellation.
    private static let waitMilliseconds: Int32 = 100

    /// - Parameters:
    ///   - descriptor: stays the caller's.
    ///   - cancellation: ends the stream early, also while nothing comes.
    public init(descriptor: Int32, name: String, cancellation: Cancellation = Cancellation()) {
        self.descriptor = descriptor
        self.name = name
        ending = Mutex(cancellation)
    }

    public var knownByteCount: UInt64? { nil }

    public func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        range.isEmpty ? nil : range
    }

    public func hasChanged() throws(KuraError) -> Bool { false }

    public func end(with cancellation: Cancellation) { ending.withLock { $0 = cancellation } }

    /// What ends it early.
    var cancellation: Cancellation { ending.withLock { $0 } }

    /// Fills `target`; fewer bytes come back only at the end of the stream or after a cancellation.
    /// One caller at a time.
    /// - Parameter offset: where the read before this one ended.
    public func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        guard offset == position.load(ordering: .relaxed) else {
            throw KuraError(.io, "\(name) is a stream and cannot be read at offset \(offset)")
        }
        let known = ahead.withLock { ahead in
            let part = ahead.prefix(target.count)
            target.copyBytes(from: part)
            ahead.removeFirst(part.count)
            return part.count
        }
        do throws(IOError) {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[known...])
            let count = known + (try read(into: rest))
            position.store(offset + UInt64(count), ordering: .relaxed)
            return count
        } catch {
            throw KuraError(io: error)
        }
    }

    public func firstBytes(_ count: Int) throws(KuraError) -> [UInt8] {
        precondition(position.load(ordering: .relaxed) == 0)
        return try ahead.withLock { ahead throws(KuraError) in
            guard ahead.count < count else { return Array(ahead[..<count]) }
            let buffer = AlignedBuffer(byteCount: count - ahead.count)
            do throws(IOError) {
                let found = try read(into: buffer.bytes)
                ahead += buffer.bytes[..<found]
            } catch {
                throw KuraError(io: error)
            }
            return ahead
        }
    }

    private func read(into target: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
        // A descriptor that cannot be read is never ready either: waiting for it would not end.
        guard fcntl(descriptor, F_GETFL) & O_ACCMODE != O_WRONLY else {
            throw IOError("read", at: FilePath(name), .badFileDescriptor)
        }
        var done = 0
        while done < target.count, !cancellation.isCancelled {
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&request, 1, Self.waitMilliseconds) == 0 { continue }
            let count = Glibc.read(descriptor, target.baseAddress! + done, target.count - done)
            if count == 0 { break }
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw IOError("read", at: FilePath(name), Errno(rawValue: Glibc.errno))
            }
            done += count
        }
        return done
    }
}
