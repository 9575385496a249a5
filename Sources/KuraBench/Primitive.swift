/// One thing that backups, restores and verifications do to bytes, whose speed is measured alone,
/// on the engine's own code and buffers.
public enum Primitive: String, Sendable, CaseIterable {
    /// Memory, far larger than any cache, read once: what no re-read can exceed.
    case memoryRead = "memory_read"
    /// `pread` of windows that are in the page cache.
    case pageCacheRead = "page_cache_read"
    /// `pread` around the page cache. All: `directReadsInFlight` threads, whatever the processors.
    case directRead = "direct_read"
    /// Looking for blocks of zeros, in windows that hold nothing else and lie in the cache. Blocks
    /// with data cost next to nothing: their first bytes show that they are none.
    case zeroScan = "zero_scan"
    /// Finding the ends of chunks.
    case chunker
    /// SHA-256 by libcrypto, chunk by chunk.
    case hashOneLane = "sha256_one_lane"
    /// SHA-256 of the chunks of a window, as many at once as the processor does best.
    case hashManyLanes = "sha256_many_lanes"
    /// The keyed MAC that tells that a chunk is unchanged; nil where libcrypto has none.
    case mac
    /// Compressing frames, in plain bytes.
    case compress = "zstd"
    /// Decompressing and comparing what was just compressed, in plain bytes.
    case checkAfterCompress = "decode_after_encode"
    /// Decoding frames as a restore does, in plain bytes.
    case decode = "unzstd"
    /// Bytes written and flushed by a second of processor time; the device's time is not in it.
    case writeProcessor = "write_processor"
    /// One thread that publishes packs: written, flushed, renamed, directory flushed.
    case writeOneCopy = "write_one_copy"
    /// All copies at once, a thread each; bytes of all copies count.
    case writeAllCopies = "write_all_copies"
}

/// How fast a machine does each primitive.
public struct PrimitiveRates: Sendable, Equatable {
    /// Bytes per second; nil where it makes no sense or could not be measured.
    public struct Rate: Sendable, Equatable {
        /// One thread.
        public var one: Double?
        /// All threads together.
        public var all: Double?

        public init(one: Double? = nil, all: Double? = nil) {
            self.one = one
            self.all = all
        }
    }

    private var rates: [Primitive: Rate] = [:]

    public init() {}

    public subscript(primitive: Primitive) -> Rate {
        get { rates[primitive] ?? Rate() }
        set { rates[primitive] = newValue }
    }

    /// The most that the device takes, in bytes per second, whether from one thread or from one for
    /// each copy.
    var deviceWrite: Double? {
        [self[.writeOneCopy].one, self[.writeAllCopies].all].compactMap { $0 }.max()
    }

    /// Primitive by primitive the median of several measurements. O(rounds log rounds).
    package static func median(_ rounds: [PrimitiveRates]) -> PrimitiveRates {
        var result = PrimitiveRates()
        for primitive in Primitive.allCases {
            result[primitive] = Rate(
                one: median(rounds.compactMap { $0[primitive].one }),
                all: median(rounds.compactMap { $0[primitive].all }))
        }
        return result
    }

    /// Of an even count the mean of the two in the middle; nil of none.
    static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
