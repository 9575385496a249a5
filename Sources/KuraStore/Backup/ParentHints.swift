package import KuraCodec
internal import KuraFormat

/// Proposes the parent recovery point's chunks for an extent, so that what has not changed need not
/// be cut again.
///
/// A proposal counts only when the bytes that are there now have the chunk's code (`ChunkMAC`), or,
/// where an extent is read as proof or has no codes, its SHA-256; and when the chunker would end
/// the chunk at the same place: a chunk that ended because its data run did is refused where the
/// run goes on now. So the chunks are those that the chunker alone finds. Used by one thread.
package final class ParentHints {
    private var parent: [ExtentChunk] = []
    private var extentStart: UInt64 = 0
    /// First chunk of the parent that is not behind the current window.
    private var next = 0
    private var windowStart: UInt64 = 0
    /// Numbers of the parent's chunks that lie in a run of this window, ascending.
    private var tried: [Int] = []
    /// For each of `tried` its code, or nothing where `hasher` has the SHA-256 of each.
    private var codes: [ChunkMAC] = []
    private let authenticator: ChunkAuthenticator?
    private var usesCodes = false
    private var position = 0
    private var matches = 0
    private var hasher = BatchHasher()
    /// Where most proposals of a window are wrong, the next window goes without.
    private var isResting = false

    /// - Parameter authenticator: of the vault's key; nil to use SHA-256 alone.
    package init(_ authenticator: ChunkAuthenticator?) { self.authenticator = authenticator }

    /// - Parameters:
    ///   - parent: ascending.
    ///   - isProof: whether SHA-256 decides even where there are codes.
    package func begin(_ parent: [ExtentChunk], extentStart: UInt64, isProof: Bool) {
        usesCodes = !isProof && authenticator != nil && parent.allSatisfy { $0.mac != nil }
        self.parent = parent
        self.extentStart = extentStart
        next = 0
        isResting = false
        tried.removeAll(keepingCapacity: true)
    }

    /// - Parameter start: place of the window's first byte on the disk.
    package func beginWindow(at start: UInt64) {
        let failed = !tried.isEmpty && matches * 2 < tried.count
        isResting = failed && !isResting
        windowStart = start
        tried.removeAll(keepingCapacity: true)
        codes.removeAll(keepingCapacity: true)
        hasher.removeAll()
        position = 0
        matches = 0
    }

    /// Adds the parent's chunks that lie in a run of the window.
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
            if usesCodes, let authenticator {
                codes.append(authenticator.code(of: bytes))
            } else {
                hasher.append(bytes)
            }
            next += 1
        }
    }

    /// Finishes what `add` has begun, before the first `match`.
    package func recognise() {
        if hasher.count > 0 { hasher.run() }
    }

    /// The parent's chunk that starts at `start` of the window, if it is there unchanged.
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
            usesCodes
            ? codes[position] == chunk.mac : hasher.digests[position] == chunk.id
        guard chunk.offset - shift == start, isSame else { return nil }
        let end = chunk.offset + chunk.byteCount
        let goesOn = number + 1 < parent.count && parent[number + 1].offset == end
        guard goesOn || runEnd == end - shift else { return nil }
        matches += 1
        return chunk
    }
}
