public import KuraIO
internal import Synchronization

/// A disk in memory that holds its writer to the rules of a sink: what they do not allow fails.
public final class MemorySink: DiskSink {
    public enum Outcome: Sendable { case open, finished, abandoned }

    private struct State {
        var bytes: [UInt8]
        /// Ranges that were written or zeroed.
        var taken: [Range<UInt64>] = []
        var outcome = Outcome.open
    }

    public let access: DiskAccess
    public let startsAsZeros: Bool
    private let failure: UInt64?
    private let state: Mutex<State>

    /// - Parameter failure: an offset at which no write succeeds.
    public init(
        byteCount: UInt64, access: DiskAccess = .random, startsAsZeros: Bool = false,
        failingAt failure: UInt64? = nil
    ) {
        self.access = access
        self.startsAsZeros = startsAsZeros
        self.failure = failure
        // Where it does not start as zeros, what the writer leaves out shows.
        let bytes = [UInt8](repeating: startsAsZeros ? 0 : 0xaa, count: Int(byteCount))
        state = Mutex(State(bytes: bytes))
    }

    public var name: String { "memory" }
    public var bytes: [UInt8] { state.withLock { $0.bytes } }
    public var byteCount: UInt64 { state.withLock { UInt64($0.bytes.count) } }
    public var outcome: Outcome { state.withLock { $0.outcome } }

    public func write(at offset: UInt64, _ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        try take(offset..<(offset + UInt64(bytes.count)), bytes)
    }

    public func zero(_ range: Range<UInt64>) throws(KuraError) {
        try take(range, repeatElement(0, count: Int(range.upperBound - range.lowerBound)))
    }

    private func take(
        _ range: Range<UInt64>, _ bytes: some Collection<UInt8>
    ) throws(KuraError) {
        if let failure, range.contains(failure) { throw KuraError(.io, "\(name) is broken") }
        let bytes = Array(bytes)
        try state.withLock { state throws(KuraError) in
            guard state.outcome == .open, range.upperBound <= UInt64(state.bytes.count),
                !state.taken.contains(where: { $0.overlaps(range) }),
                access == .random || range.lowerBound == state.taken.last?.upperBound ?? 0
            else { throw KuraError(.io, "\(name) does not take \(range) now") }
            state.taken.append(range)
            state.bytes.replaceSubrange(Int(range.lowerBound)..<Int(range.upperBound), with: bytes)
        }
    }

    public func startWriteback(_ range: Range<UInt64>) {}

    public func finish() throws(KuraError) { try end(.finished) }

    public func abandon() {
        state.withLock { $0.outcome = .abandoned }
    }

    private func end(_ outcome: Outcome) throws(KuraError) {
        try state.withLock { state throws(KuraError) in
            guard state.outcome == .open else { throw KuraError(.io, "\(name) ends twice") }
            state.outcome = outcome
        }
    }
}
