import Foundation
import KuraBench
import KuraFormat
import KuraReplicas
import KuraStore
import SystemPackage

/// Grows a synthetic index through Kura's own writers, backup by backup, and measures it at each
/// power of ten.
///
///     index-scale [--chunks N] [--directory DIRECTORY] [--data FILE] [--minutes M]
///
/// The vault is made in DIRECTORY (`TMPDIR`) and removed at the end; it needs 90 bytes a chunk. The
/// table goes to standard output, and the data to FILE. With --minutes it stops after that time,
/// and the same command goes on where it stopped.
@main
struct IndexScale {
    static let chunksPerBackup: UInt64 = 100_000

    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        func option(_ name: String) -> String? {
            guard let place = arguments.firstIndex(of: name), place + 1 < arguments.count else {
                return nil
            }
            defer { arguments.removeSubrange(place...(place + 1)) }
            return arguments[place + 1]
        }
        let chunks = option("--chunks").flatMap(UInt64.init) ?? 100_000_000
        if let measured = option("--measure") {
            let found = try Measurement.make(VaultDirectory(FilePath(measured)), chunks: chunks)
            return print(try String(decoding: JSONEncoder().encode(found), as: UTF8.self))
        }
        let parent = option("--directory") ?? NSTemporaryDirectory()
        let data = option("--data")
        let minutes = option("--minutes").flatMap(Double.init) ?? .infinity
        guard arguments.isEmpty, chunks >= chunksPerBackup else {
            note("index-scale [--chunks N] [--directory DIRECTORY] [--data FILE] [--minutes M]")
            exit(64)
        }
        var run = try Run.resume(in: FilePath(parent).appending("kura-index-scale"))
        guard try run.grow(to: chunks, seconds: minutes * 60) else {
            return note("\(run.growth.chunks) chunks; the same command goes on")
        }
        print(Table.markdown(run.rows))
        if let data {
            try Table.csv(run.rows).write(toFile: data, atomically: true, encoding: .utf8)
        }
        try FileManager.default.removeItem(atPath: run.directory.string)
    }

    static func note(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}

/// A run of the benchmark, as far as it has come.
struct Run {
    let directory: FilePath
    private(set) var growth = Growth()
    private(set) var rows: [Row] = []

    private struct State: Codable {
        var growth: Growth
        var rows: [Row]
    }

    private var statePath: String { directory.appending("state.json").string }

    static func resume(in directory: FilePath) throws -> Run {
        var run = Run(directory: directory)
        try FileManager.default.createDirectory(
            atPath: directory.string, withIntermediateDirectories: true)
        if let bytes = FileManager.default.contents(atPath: run.statePath) {
            let state = try JSONDecoder().decode(State.self, from: bytes)
            run.growth = state.growth
            run.rows = state.rows
        }
        return run
    }

    private func save() throws {
        try JSONEncoder().encode(State(growth: growth, rows: rows))
            .write(to: URL(fileURLWithPath: statePath), options: .atomic)
    }

    /// - Returns: false when the time was over before.
    mutating func grow(to chunks: UInt64, seconds: Double) throws -> Bool {
        let place = VaultDirectory(directory)
        let vault = try growth.chunks == 0 ? place.create() : place.open()
        let index = SyntheticIndex(vault)
        let start = ContinuousClock.now
        while growth.chunks < chunks {
            guard ContinuousClock.now - start < .seconds(seconds) else {
                try save()
                return false
            }
            try addBackup(vault, index)
            let size = growth.chunks
            guard size == chunks || Self.isPowerOfTen(size) else { continue }
            let row = Row(growth, try Measurement.inChild(place, chunks: size))
            rows.append(row)
            IndexScale.note(Table.csv([row]))
            growth.beginDecade()
        }
        return true
    }

    private mutating func addBackup(_ vault: Vault, _ index: SyntheticIndex) throws {
        let numbers = growth.chunks..<(growth.chunks + IndexScale.chunksPerBackup)
        let before = try index.runByteCounts()
        let start = ContinuousClock.now
        let added = try index.add(numbers)
        let written = ContinuousClock.now
        try vault.mergeRuns()
        growth.note(
            backup: written - start, merge: .now - written, added: added,
            before: before, after: try index.runByteCounts())
        growth.chunks = numbers.upperBound
    }

    private static func isPowerOfTen(_ size: UInt64) -> Bool {
        var power: UInt64 = 1
        while power < size { power *= 10 }
        return power == size
    }
}

/// What growing cost, since the last power of ten and in all.
struct Growth: Codable {
    var chunks: UInt64 = 0
    private(set) var writtenBytes: UInt64 = 0
    private(set) var indexBytes: UInt64 = 0
    private(set) var runsMost = 0
    private var backups = 0
    private var backupTime = Duration.zero
    private var mergeTime = Duration.zero
    private(set) var longestMerge = Duration.zero

    /// - Parameters:
    ///   - added: bytes of the backup's own run.
    ///   - before: runs before it, with their lengths.
    ///   - after: runs after the merge. Where it made one, the backup's own run is gone.
    mutating func note(
        backup: Duration, merge: Duration, added: UInt64, before: [RunID: UInt64],
        after: [RunID: UInt64]
    ) {
        backups += 1
        backupTime += backup
        mergeTime += merge
        longestMerge = max(longestMerge, merge)
        writtenBytes += added
        let isMerged = after.count <= before.count
        for (id, length) in after where isMerged && before[id] == nil { writtenBytes += length }
        indexBytes = after.values.reduce(0, +)
        runsMost = max(runsMost, after.count)
    }

    mutating func beginDecade() {
        backups = 0
        backupTime = .zero
        mergeTime = .zero
    }

    var backupMilliseconds: Double { backupTime.milliseconds / Double(max(backups, 1)) }
    var mergeMilliseconds: Double { mergeTime.milliseconds / Double(max(backups, 1)) }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
    }
}

/// A region of one replica and one vault below a directory.
struct VaultDirectory {
    let path: FilePath
    private static let region = UniqueID(high: 1, low: 2)
    private static let vault = UniqueID(high: 3, low: 4)

    init(_ path: FilePath) { self.path = path }

    var indexPath: String {
        path.appending("replica/vaults/\(Self.vault.hex)/index").string
    }

    private func record(_ region: UniqueID) -> VaultRecord {
        VaultRecord(
            id: Self.vault, name: "scale", region: region, revision: 1, created: 0,
            redundancy: .lrs, copies: 1, minCopies: 1, chunker: .gearTail, chunkBytesMean: 32768,
            requiredFeatures: [ChunkerKind.gearTail.rawValue, Feature.sha256, Feature.zstd],
            optionalFeatures: [])
    }

    func create() throws -> Vault {
        let region = try Region.create(
            name: "scale", stores: [DirectoryStore(path.appending("replica"))])
        return try Vault.create(record(region.id), in: region)
    }

    func open() throws -> Vault {
        let file = path.appending("replica/replica").string
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let identity = try ReplicaRecord.decode(Array(bytes))
        let region = Region(
            id: identity.region, name: "scale", stores: [DirectoryStore(path.appending("replica"))])
        return Vault(region: region, record: record(identity.region))
    }

    /// Paths of the files of index runs.
    func runFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: indexPath).map { "\(indexPath)/\($0)" }
    }
}
