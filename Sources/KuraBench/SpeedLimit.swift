/// The shortest time in which a machine can do what the engine promises, from the speed of each
/// primitive alone. Pure: bytes and rates in, seconds out.
///
/// A byte that goes through several primitives costs a processor the sum of their times, and a
/// device works beside the processors. So with B bytes for a primitive that all threads together
/// do at a rate R, a limit is
///
///     max( sum of B / R over what processors do,  bytes read / device,  bytes written / device )
///
/// Symbols below: r read from the page cache, n zero scan, c chunker, h SHA-256 (the faster of one
/// lane and many), g MAC, Z compress, X decompress and compare after compressing, D decode, w
/// processor time of a write, k copies.
///
/// What the engine promises belongs to the limit: every chunk is hashed, every compressed frame
/// is decoded and compared before it counts, every stored byte is hashed, every copy is written
/// and flushed. What it does beyond (copies in memory, index look-ups, waiting, its own files'
/// metadata other than their bytes) does not, so a ratio of 1 cannot be reached. Copies share one
/// device. There are no factors: every term is bytes over a measured rate.
public struct SpeedLimit: Sendable, Equatable {
    public enum Bound: String, Sendable {
        case processor
        case deviceRead = "device_read"
        case deviceWrite = "device_write"
    }

    /// One term of a sum.
    public struct Term: Sendable, Equatable {
        public var primitive: Primitive
        public var bytes: Double
        public var seconds: Double
    }

    /// What processors do, in the order of the pipeline. A primitive may occur more than once.
    public private(set) var processor: [Term] = []
    /// Seconds that the device reads and writes.
    public private(set) var deviceReadSeconds = 0.0
    public private(set) var deviceWriteSeconds = 0.0

    public var processorSeconds: Double { processor.reduce(0) { $0 + $1.seconds } }

    public var seconds: Double { max(processorSeconds, deviceReadSeconds, deviceWriteSeconds) }

    /// What the limit is made of; the processor where two are equal.
    public var bound: Bound {
        if processorSeconds == seconds { return .processor }
        return deviceWriteSeconds == seconds ? .deviceWrite : .deviceRead
    }

    private let rates: PrimitiveRates

    private init(_ rates: PrimitiveRates) { self.rates = rates }

    // MARK: The formulas

    /// Bytes of a backup.
    public struct Backup: Sendable {
        /// Bytes that the file system does not know as holes.
        public var read: UInt64
        /// Of `read`, bytes in chunks; the rest is blocks of zeros.
        public var data: UInt64
        /// Of `data`, bytes in chunks that are the parent's, at the same place.
        public var unchanged: UInt64
        /// Of `unchanged`, bytes that are hashed in turn although a MAC could tell; else 0.
        public var proven: UInt64 = 0
        /// Of `data`, bytes in chunks that the vault did not hold.
        public var new: UInt64
        /// Bytes written to one copy.
        public var stored: UInt64
        public var copies: Int
        /// Whether what is read must come from the device.
        public var readsDevice: Bool

        public init(
            read: UInt64, data: UInt64, unchanged: UInt64, new: UInt64, stored: UInt64, copies: Int,
            readsDevice: Bool
        ) {
            self.read = read
            self.data = data
            self.unchanged = unchanged
            self.new = new
            self.stored = stored
            self.copies = copies
            self.readsDevice = readsDevice
        }
    }

    /// `read/r + (read - data)/n + unchanged/h + (data - unchanged) (1/c + 1/h) + new (1/Z + 1/X) +
    /// stored/h + k stored/w`: the zero scan reads blocks of zeros to their end, and no others.
    /// Where the engine has a MAC, `unchanged/h` becomes `proven/h + (unchanged - proven)/g`, and
    /// `(data - unchanged)/g` is added: the next backup needs it.
    public static func backup(_ work: Backup, _ rates: PrimitiveRates) -> SpeedLimit {
        var limit = SpeedLimit(rates)
        let cut = work.data - min(work.unchanged, work.data)
        let written = UInt64(work.copies) * work.stored
        limit.add(.pageCacheRead, work.read)
        limit.add(.zeroScan, work.read - min(work.data, work.read))
        if rates[.mac].all != nil {
            limit.add(.mac, work.data - min(work.proven, work.data))
            limit.addHash(work.proven)
        } else {
            limit.addHash(work.unchanged)
        }
        limit.add(.chunker, cut)
        limit.addHash(cut)
        limit.add(.compress, work.new)
        limit.add(.checkAfterCompress, work.new)
        limit.addHash(work.stored)
        limit.add(.writeProcessor, written)
        limit.setDevice(read: work.readsDevice ? work.read : 0, written: written)
        return limit
    }

    /// `stored (1/r) + unique (1/D + 1/h) + data/w`: each frame is decoded and each chunk hashed
    /// once, and every byte of data is written and flushed.
    /// - Parameters:
    ///   - stored: bytes of the packs that hold the disk, in one copy.
    ///   - unique: bytes of its different chunks.
    ///   - data: bytes of all its chunks.
    public static func restore(
        stored: UInt64, unique: UInt64, data: UInt64, readsDevice: Bool, _ rates: PrimitiveRates
    ) -> SpeedLimit {
        var limit = SpeedLimit(rates)
        limit.add(.pageCacheRead, stored)
        limit.add(.decode, unique)
        limit.addHash(unique)
        limit.add(.writeProcessor, data)
        limit.setDevice(read: readsDevice ? stored : 0, written: data)
        return limit
    }

    /// `k stored (1/r + 1/h)`, and where chunks are verified `unique (1/D + 1/h)`: stored bytes of
    /// every copy are hashed, and one sound copy is decoded.
    /// - Parameters:
    ///   - read: bytes of all files of all copies.
    ///   - unique: bytes of all chunks; nil at level packs.
    public static func verify(
        read: UInt64, unique: UInt64?, readsDevice: Bool, _ rates: PrimitiveRates
    ) -> SpeedLimit {
        var limit = SpeedLimit(rates)
        limit.add(.pageCacheRead, read)
        limit.addHash(read)
        if let unique {
            limit.add(.decode, unique)
            limit.addHash(unique)
        }
        limit.setDevice(read: readsDevice ? read : 0, written: 0)
        return limit
    }

    // MARK: Terms

    private mutating func add(_ primitive: Primitive, _ bytes: UInt64) {
        guard bytes > 0, let rate = rates[primitive].all, rate > 0 else { return }
        processor.append(
            Term(primitive: primitive, bytes: Double(bytes), seconds: Double(bytes) / rate))
    }

    /// Hashing, the faster way.
    private mutating func addHash(_ bytes: UInt64) {
        let isOneFaster = (rates[.hashOneLane].all ?? 0) > (rates[.hashManyLanes].all ?? 0)
        add(isOneFaster ? .hashOneLane : .hashManyLanes, bytes)
    }

    private mutating func setDevice(read: UInt64, written: UInt64) {
        if let rate = rates[.directRead].all { deviceReadSeconds = Double(read) / rate }
        if let rate = rates.deviceWrite { deviceWriteSeconds = Double(written) / rate }
    }
}
