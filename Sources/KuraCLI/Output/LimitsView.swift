import KuraBench

/// A machine's limits as commands show them.
struct LimitsView {
    private let limits: MachineLimits
    private let threads: Int
    /// What the kernels ran on.
    private let content: String

    init(_ limits: MachineLimits, threads: Int, content: String) {
        self.limits = limits
        self.threads = threads
        self.content = content
    }

    static func gigabytes(_ rate: Double?) -> String {
        rate.map { Units.fixed($0 / 1e9, 2) } ?? "-"
    }

    var text: String {
        var table = Table([
            ("GB/s", .left), ("one thread", .right), ("\(threads) threads", .right), ("", .left),
        ])
        for primitive in Primitive.allCases {
            let rate = limits.rates[primitive]
            table.add([
                primitive.rawValue, Self.gigabytes(rate.one), Self.gigabytes(rate.all),
                primitive.summary,
            ])
        }
        let share = Units.percent(limits.storedBytes, of: limits.dataBytes)
        return table.text + "\n\nmeasured on \(Units.bytes(limits.sampleBytes)) of \(content), of "
            + "which frames leave \(share)"
    }

    func json() -> JSON {
        var rates: [String: JSON] = [:]
        for primitive in Primitive.allCases {
            let rate = limits.rates[primitive]
            rates[primitive.rawValue] = [
                "one_thread_bytes_per_second": rate.one.map(JSON.fraction) ?? .null,
                "all_threads_bytes_per_second": rate.all.map(JSON.fraction) ?? .null,
            ]
        }
        return [
            "primitives": .object(rates), "threads": JSON(threads), "content": .string(content),
            "sample_bytes": .number(limits.sampleBytes), "data_bytes": .number(limits.dataBytes),
            "stored_bytes": .number(limits.storedBytes),
        ]
    }
}

extension Primitive {
    /// What it is, in a few words.
    fileprivate var summary: String {
        switch self {
        case .memoryRead: "reading memory"
        case .pageCacheRead: "pread from the page cache"
        case .directRead: "O_DIRECT; threads: 8 in flight"
        case .zeroScan: "windows of zeros"
        case .chunker: "gear-tail-v1"
        case .hashOneLane: "libcrypto"
        case .hashManyLanes: "independent chunks at once"
        case .mac: "Poly1305 of chunks, for re-reading"
        case .compress: "frames, plain bytes"
        case .checkAfterCompress: "decompress and compare, plain bytes"
        case .decode: "frames, plain bytes"
        case .writeProcessor: "written per second of processor time"
        case .writeOneCopy: "packs, each flushed"
        case .writeAllCopies: "bytes of all copies, a thread each"
        }
    }
}
