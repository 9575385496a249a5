import KuraFormat
import TestSupport

/// Small valid values, the same in every run.
enum Example {
    static let vault = UniqueID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
    static let region = UniqueID(high: 1, low: 2)

    static func digest(_ text: String) -> Digest { SHA256.digest(Array(text.utf8)) }

    static let replica = ReplicaRecord(
        region: region, regionName: "japaneast", ordinal: 1, created: 5,
        id: UniqueID(high: 6, low: 7))

    static let vaultRecord = VaultRecord(
        id: vault, name: "Servers", region: region, pair: UniqueID(high: 3, low: 4),
        failedOver: true, revision: 3, created: -7, redundancy: .lrs,
        copies: 3, minCopies: 2, chunker: .gearTail, chunkBytesMean: 32768,
        macKey: MACKey(digest("key")),
        requiredFeatures: ["sha256", "zstd"], optionalFeatures: ["hint"])

    static let session = SessionRecord(
        id: UniqueID(high: 9, low: 8), operation: "backup", item: "web", process: 17, host: "here",
        started: 11)

    static let receipt = DurabilityReceipt(
        vault: vault, point: digest("point"), region: region, ordinal: 2, time: 13,
        arrival: .replication)

    static let point: RecoveryPoint = {
        var counts = DiskCounts()
        counts.logicalBytes = 1 << 30
        counts.dataBytes = 8192
        let disks = [
            DiskRecord(
                name: "sda", root: digest("root"), counts: counts, changedWhileRead: true,
                source: "/dev/蔵"),
            DiskRecord(
                name: "sdb", root: nil, counts: DiskCounts(), changedWhileRead: false, source: ""),
        ]
        return RecoveryPoint(
            vault: vault, item: "web", sequence: 4, time: 12, consistency: .crashConsistent,
            parent: digest("parent"), storedBytes: 99, tags: ["a", ""], disks: disks,
            runs: [digest("run")])
    }()

    static let leaf = ManifestNode.leaf([
        LeafEntry(offset: 100, byteCount: 3996, id: digest("a")),
        LeafEntry(offset: 8192, byteCount: 5000, id: digest("b")),
        LeafEntry(offset: 13192, byteCount: UInt32(Limits.chunkBytesMax), id: digest("c")),
    ])

    static let inner: ManifestNode = {
        var children = [NodeID?](repeating: nil, count: Limits.nodeFanOut)
        for slot in [0, 7, 63] { children[slot] = digest("child \(slot)") }
        return .inner(level: 3, children: children)
    }()
}

extension SeededGenerator {
    mutating func digest() -> Digest { Digest(words: (next(), next(), next(), next())) }

    mutating func uniqueID() -> UniqueID { UniqueID(high: next(), low: next()) }

    /// A text of at most `max` bytes, of characters of one to four bytes.
    mutating func text(max: Int) -> String {
        let alphabet: [Character] = ["a", "Z", "/", " ", "\0", "é", "蔵", "🗻"]
        var text = ""
        for _ in 0..<Int.random(in: 0...20, using: &self) {
            let longer = text + String(alphabet.randomElement(using: &self)!)
            if longer.utf8.count <= max { text = longer }
        }
        return text
    }

    mutating func name() -> String { "n" + text(max: Limits.nameBytesMax - 1) }

    mutating func texts(max: Int) -> [String] {
        var texts: [String] = []
        for _ in 0..<Int.random(in: 0...max, using: &self) {
            texts.append(text(max: Limits.nameBytesMax))
        }
        return texts
    }

    mutating func digests(max: Int) -> [Digest] {
        var digests: [Digest] = []
        for _ in 0..<Int.random(in: 0...max, using: &self) { digests.append(digest()) }
        return digests
    }
}
