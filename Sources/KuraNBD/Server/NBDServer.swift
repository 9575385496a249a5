public import KuraIO

/// Gives disks to clients of NBD, to read and never to write to.
///
/// Nothing that a client sends can make this trap, take memory without bound, or disturb another
/// client: each has threads of its own.
public final class NBDServer: Sendable {
    /// A disk that a server gives.
    public struct Disk: Sendable {
        /// By which a client asks for it.
        public var name: String
        /// Of a size that is known, readable from several threads at any offset.
        public var source: any DiskSource

        public init(_ name: String, _ source: any DiskSource) {
            self.name = name
            self.source = source
        }

        var byteCount: UInt64 { source.knownByteCount ?? 0 }
    }

    private let disks: [Disk]
    private let threads: Int
    private let readFailed: @Sendable (KuraError) -> Void

    /// How long a client may take for the next part of what it began, in nanoseconds: to say which
    /// disk it wants, to send the rest of a request, to take a reply.
    public static let patience: Int64 = 60_000_000_000

    /// - Parameters:
    ///   - disks: by different names; the first one is also that of the empty name.
    ///   - threads: how many requests of one client are answered at once.
    ///   - readFailed: is told of each read that failed; the client hears of it, too.
    public init(
        _ disks: [Disk], threads: Int,
        readFailed: @escaping @Sendable (KuraError) -> Void = { _ in }
    ) {
        self.disks = disks
        self.threads = threads
        self.readFailed = readFailed
    }

    /// Serves one client until it leaves.
    /// - Throws: where it does not keep to the protocol, or does not go on.
    public func serve(_ stream: any ByteStream) throws(KuraError) {
        guard let terms = try ServerHandshake(stream, disks).run() else { return }
        try ServedClient(stream, terms, threads: threads, readFailed: readFailed).run()
    }
}
