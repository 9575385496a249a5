internal import KuraIO
internal import KuraReplicas

/// A file that goes to every live replica piece by piece, because it may be too long for memory or
/// its name is known at its end only.
///
/// While the replicas write one piece, the next is put together. A replica in which a call fails
/// has failed for the whole `ReplicaWriter`. One thread uses a stream; end it with `publish` or
/// `abandon`. Memory: two pieces of 1 MiB.
final class ReplicaStream {
    private let writer: ReplicaWriter
    private let targets: [Target]
    private var pieces: [Piece]
    private var current = 0
    private(set) var byteCount: UInt64 = 0
    private var isComplete = false

    private static let pieceBytes = 1 << 20

    private struct Piece {
        let buffer = AlignedBuffer(byteCount: pieceBytes)
        var used = 0
        /// Opens when every replica has written what the buffer held.
        var written: Latch?
    }

    /// `@unchecked Sendable`: only jobs of its lane touch it, one after the other.
    private final class Target: @unchecked Sendable {
        let lane: ReplicaWriter.Lane
        var upload: (any Upload)?
        init(_ lane: ReplicaWriter.Lane) { self.lane = lane }
    }

    init(to writer: ReplicaWriter) {
        self.writer = writer
        targets = writer.lanes.map { Target($0) }
        pieces = [Piece(), Piece()]
        let vault = writer.vault
        forEachTarget { (target) throws(IOError) in
            target.upload = try target.lane.replica.store.upload(
                in: Layout.vault(vault.id), by: writer.session)
        }
    }

    /// Copies bytes to the end of the file. Waits while both pieces are being written.
    func append(_ bytes: UnsafeRawBufferPointer) throws(KuraError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let used = pieces[current].used
            let part = rest.prefix(Self.pieceBytes - used)
            let target = pieces[current].buffer.bytes[used..<(used + part.count)]
            UnsafeMutableRawBufferPointer(rebasing: target).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: part))
            pieces[current].used += part.count
            rest = rest.dropFirst(part.count)
            if pieces[current].used == Self.pieceBytes { try send() }
        }
        byteCount += UInt64(bytes.count)
    }

    func append(_ bytes: [UInt8]) throws(KuraError) {
        try withKuraErrors { try bytes.withUnsafeBytes { try append($0) } }
    }

    private func send() throws(KuraError) {
        let buffer = pieces[current].buffer
        let used = pieces[current].used
        pieces[current].written = forEachTarget { (target) throws(IOError) in
            try target.upload?.append(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<used]))
        }
        current = 1 - current
        pieces[current].written?.wait()
        pieces[current].used = 0
        if let error = writer.error { throw error }
    }

    /// Makes the file's bytes durable in every live replica, under no name yet. This is the long
    /// part of publishing it.
    func complete() throws(KuraError) {
        if pieces[current].used > 0 { try send() }
        forEachTarget { (target) throws(IOError) in
            try target.upload?.complete()
        }.wait()
        isComplete = true
        pieces = []
        if let error = writer.error { throw error }
    }

    /// Gives the file its name, and returns when it is durable in every live replica.
    func publish(as file: VaultFile) throws(KuraError) {
        if !isComplete { try complete() }
        let vault = writer.vault
        forEachTarget { (target) throws(IOError) in
            _ = try target.upload?.finish(as: file.name(in: vault.id), .content)
        }.wait()
        if let error = writer.error { throw error }
    }

    /// Removes what was written. It has no name, so it was never visible.
    func abandon() {
        let done = Latch(targets.count)
        for target in targets {
            target.lane.worker.submit {
                target.upload?.abandon()
                target.upload = nil
                done.signal()
            }
        }
        done.wait()
    }

    /// Runs `body` in the lane of every replica that has not failed.
    /// - Returns: a latch that opens when all are done.
    @discardableResult
    private func forEachTarget(
        _ body: @escaping @Sendable (Target) throws(IOError) -> Void
    ) -> Latch {
        let done = Latch(targets.count)
        for target in targets {
            target.lane.worker.submit { [writer] in
                let ordinal = target.lane.replica.ordinal
                if writer.failures[ordinal] == nil, writer.error == nil {
                    do throws(IOError) {
                        try body(target)
                    } catch {
                        target.upload = nil
                        writer.fail(ordinal, KuraError(io: error))
                    }
                }
                done.signal()
            }
        }
        return done
    }
}
