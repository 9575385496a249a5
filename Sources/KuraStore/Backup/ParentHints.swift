package import KuraCodec
internal import KuraFormat

/// Proposes the parent recovery point's chunks for an extent, so that unchanged bytes need not be
/// cut again.
///
/// A proposal counts only when the bytes on the disk have the chunk's MAC, or, where the extent is
/// read as proof or has no MACs, its SHA-256; and when the chunker would end the chunk at the same
/// byte: a chunk that ended because its data run did is refused where the run goes on now. So the
/// chunks are those that the chunker alone finds. Used by one thread.
package final class ParentHints {
    private var parent: [ExtentChunk] = []
    private var extentStart: UInt64 = 0
    /// First chunk of the parent that was neither proposed nor passed yet.
    private var next = 0
    private var windowStart: UInt64 = 0
    /// Numbers of the parent's chunks that lie in a run of this window, ascending.
    private var tried: [Int] = []
    /// The MAC of the window's bytes for each of `tried`; empty where `hasher` has their SHA-256.
    private var macs: [ChunkMAC] = []
    private let authenticator: ChunkAuthenticator?
    private var usesMACs = false
    private var position = 0
    private var matches = 0
    private var hasher = BatchHasher()
    /// True for the window after one in which most proposals were wrong: it gets none.
    private var isResting = false

    /// - Parameter authenticator: of the vault's key; nil to use SHA-256 alone.
    package init(_ authenticator: ChunkAuthenticator?) { self.authenticator = authenticator }

    /// Begins an extent.
    /// - Parameters:
    ///   - parent: the parent's chunks of the extent, ascending.
    ///   - extentStart: in bytes from the start of the disk.
    ///   - isProof: whether SHA-256 decides even where there are MACs.
    package func begin(_ parent: [ExtentChunk], extentStart: UInt64, isProof: Bool) {
        usesMACs = !isProof && authenticator != nil && parent.allSatisfy { $0.mac != nil }
        self.parent = parent
        self.extentStart = extentStart
        next = 0
        isResting = false
        tried.removeAll(keepingCapacity: true)
    }

    /// - Parameter start: offset of the window's first byte on the disk.
    package func beginWindow(at start: UInt64) {
        let failed = !tried.isEmpty && matches * 2 < tried.count
        isResting = failed && !isResting
        windowStart = start
        tried.removeAll(keepingCapacity: true)
        macs.removeAll(keepingCapacity: true)
        hasher.removeAll()
        position = 0
        matches = 0
    }

    /// Proposes the parent's chunks that lie in a run of the window. Call it for the runs in
    /// ascending order.
    /// - Parameters:
    ///   - start: of the run, in bytes from the window's start; `end` likewise.
    ///   - window: its bytes, which must not change until `recognise` returns.
    package func add(from start: Int, to end: Int, of window: UnsafeRawBufferPointer) {
        guard !isResting else { return }
        let shift = Int(windowStart - extentStart)
        while next < parent.count, parent[next].offset - shift < start { next += 1 }
        while next < parent.count {
            let first = parent[next].offset - shift
            let last = first + parent[next].byteCount
            guard last <= end else { return }
            tried.append(next)
            let bytes = UnsafeRawBufferPointer(rebasing: window[first..<last])
            if usesMACs, let authenticator {
                macs.append(authenticator.code(of: bytes))
            } else {
                hasher.append(bytes)
            }
            next += 1
        }
    }

    /// Finishes the comparison that `add` began. Call it before the first `match`.
    package func recognise() {
        if hasher.count > 0 { hasher.run() }
    }

    /// The parent's chunk that starts at `start` of the window, if its bytes are unchanged. Call it
    /// with ascending starts.
    /// - Parameter runEnd: where the data run ends; nil where that is not known yet.
    package func match(at start: Int, runEnd: Int?) -> ExtentChunk? {
        let shift = Int(windowStart - extentStart)
        while position < tried.count, parent[tried[position]].offset - shift < start {
            position += 1
        }
        guard position < tried.count else { return nil }
        let number = tried[position]
        let chunk = parent[number]
        let isSame =
            usesMACs
            ? macs[position] == chunk.mac : hasher.digests[position] == chunk.id
        guard chunk.offset - shift == start, isSame else { return nil }
        let end = chunk.offset + chunk.byteCount
        let goesOn = number + 1 < parent.count && parent[number + 1].offset == end
        guard goesOn || runEnd == end - shift else { return nil }
        matches += 1
        return chunk
    }
}
