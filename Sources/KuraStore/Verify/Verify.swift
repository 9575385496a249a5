internal import KuraCodec
public import KuraFormat
public import KuraIO
internal import Synchronization
internal import SystemPackage

/// What to verify.
public struct VerifyRequest: Sendable {
    public enum Level: String, Sendable, CaseIterable {
        /// Hash and structure of every file.
        case packs
        /// Also decode and hash every chunk, and walk every recovery point.
        case chunks
    }

    public var level: Level
    /// Only this replica; nil for all.
    public var replica: Int?
    /// Only what this recovery point needs; nil for everything.
    public var point: RecoveryPointID?
    public var threads: Int

    public init(
        level: Level = .packs, replica: Int? = nil, point: RecoveryPointID? = nil,
        threads: Int = Threads.processorCount
    ) {
        self.level = level
        self.replica = replica
        self.point = point
        self.threads = threads
    }
}

public struct VerifyReport: Sendable {
    /// Copies of packs that were read.
    public var packs = 0
    /// Chunks that were decoded and hashed; 0 at level packs.
    public var chunks: UInt64 = 0
    /// Bytes of files that were read.
    public var bytes: UInt64 = 0
    public var damaged: [Damage] = []
    public var seconds: Double = 0
    public var stages = StageTimes()

    public init() {}
}

extension Vault {
    /// Reads every file of the vault in every replica and reports what is not as it must be.
    ///
    /// Damage is part of the report, never an error. Changes nothing.
    public func verify(
        _ request: VerifyRequest, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) throws(StoreError) -> VerifyReport {
        try Verification(self, request, progress, cancellation).run()
    }
}

/// One verification of one vault.
final class Verification: Sendable {
    let vault: Vault
    let request: VerifyRequest
    let replicas: [Replica]
    private let progress: Progress
    private let cancellation: Cancellation
    private let report = Mutex(VerifyReport())
    /// Packs without a good copy in any verified replica.
    private let lost = Mutex<Set<PackID>>([])

    init(
        _ vault: Vault, _ request: VerifyRequest, _ progress: Progress, _ cancellation: Cancellation
    ) throws(StoreError) {
        self.vault = vault
        self.request = request
        self.progress = progress
        self.cancellation = cancellation
        if let replica = request.replica, replica >= Int(vault.record.copies) || replica < 0 {
            throw StoreError(
                .invalidInput, "vault \(vault.record.name) has no replica \(replica)",
                remedy: "its replicas are 0 to \(vault.record.copies - 1)")
        }
        replicas = vault.replicas.filter { request.replica == nil || $0.ordinal == request.replica }
    }

    func run() throws(StoreError) -> VerifyReport {
        let start = Clock.steady()
        noteMissingReplicas()
        checkRecords()
        let points = try checkPoints()
        let runs = try RunVerification(self).run()
        let index = ChunkIndex(vault, runs: runs)
        let packs = try packsToCheck(index, points)
        checkPacks(packs)
        if cancellation.isCancelled {
            throw StoreError(
                .interrupted, "interrupted; nothing was changed",
                remedy: "run the same command again")
        }
        if request.level == .chunks { walk(points, index) }
        return report.withLock { report in
            var report = report
            report.seconds = Double(Clock.steady() - start) / 1e9
            report.damaged.sort { ($0.path.string, $0.replica) < ($1.path.string, $1.replica) }
            return report
        }
    }

    // MARK: What parts of it share

    func note(_ error: any Error, in file: VaultFile, of replica: Replica) {
        note(
            Damage(
                replica, path: replica.path(of: file, in: vault.id), structure: file.structure,
                error))
    }

    func note(_ damage: Damage) {
        report.withLock { report in
            if !report.damaged.contains(damage) { report.damaged.append(damage) }
        }
    }

    func count(bytes: UInt64) {
        report.withLock { $0.bytes += bytes }
    }

    var isCancelled: Bool { cancellation.isCancelled }

    // MARK: Parts

    private func noteMissingReplicas() {
        for replica in vault.region.replicas.prefix(Int(vault.record.copies)) {
            guard let problem = vault.region.problems[replica.ordinal] else { continue }
            guard request.replica == nil || request.replica == replica.ordinal else { continue }
            note(
                Damage(
                    region: vault.region.name, replica: replica.ordinal, path: replica.path,
                    structure: .replica, kind: .missing, detail: problem.message))
        }
    }

    private func checkRecords() {
        for replica in replicas {
            do {
                let bytes = try contents(.record, of: replica)
                guard try VaultRecord.decode(bytes) == vault.record else {
                    throw FormatError.invalidField(.vault, field: "revision")
                }
            } catch {
                note(error, in: .record, of: replica)
            }
        }
    }

    private func contents(_ file: VaultFile, of replica: Replica) throws -> [UInt8] {
        let bytes = try vault.fileSystem.contents(
            replica.path(of: file, in: vault.id), max: SealedRecord.byteCountMax)
        count(bytes: UInt64(bytes.count))
        return bytes
    }

    /// Recovery points that at least one verified replica holds a good copy of.
    private func checkPoints() throws(StoreError) -> [RecoveryPointID: RecoveryPoint] {
        var points: [RecoveryPointID: RecoveryPoint] = [:]
        for id in try vault.recoveryPointIDs() {
            guard request.point == nil || request.point == id else { continue }
            for replica in replicas {
                do {
                    let bytes = try contents(.point(id), of: replica)
                    try FileCheck.check(bytes, .point(id), vault)
                    points[id] = try RecoveryPoint.decode(bytes).point
                } catch {
                    note(error, in: .point(id), of: replica)
                }
            }
        }
        if let point = request.point, points[point] == nil, try vault.recoveryPointIDs().isEmpty {
            throw StoreError(.notFound, "no recovery point \(point.short)")
        }
        return points
    }

    private func packsToCheck(
        _ index: ChunkIndex, _ points: [RecoveryPointID: RecoveryPoint]
    ) throws(StoreError) -> [PackSummary] {
        guard request.point != nil else { return index.packs }
        let walker = PointWalker(index)
        for point in points.values {
            for disk in point.disks { try walker.walk(disk) }
        }
        return index.packs.filter { walker.packs.contains($0.id) }
    }

    private func checkPacks(_ packs: [PackSummary]) {
        let total = packs.reduce(0) { $0 + $1.fileByteCount } * UInt64(replicas.count)
        progress.update { $0.totalBytes += total }
        let next = Atomic<Int>(0)
        Threads.run(request.threads) { [self] _ in
            let worker = PackVerifier(vault, level: request.level)
            while !isCancelled {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < packs.count else { break }
                check(packs[number], with: worker)
            }
            report.withLock { report in
                report.stages += worker.trace
            }
        }
    }

    private func check(_ pack: PackSummary, with worker: PackVerifier) {
        let result = worker.verify(pack, in: replicas)
        for (replica, error) in result.failures { note(error, in: .pack(pack.id), of: replica) }
        report.withLock { report in
            report.packs += replicas.count
            report.chunks += result.chunks
            report.bytes += result.bytes
        }
        if result.failures.count == replicas.count {
            lost.withLock { _ = $0.insert(pack.id) }
        }
        progress.update { $0.doneBytes += pack.fileByteCount * UInt64(replicas.count) }
    }

    /// Follows every recovery point down to its chunks.
    private func walk(_ points: [RecoveryPointID: RecoveryPoint], _ index: ChunkIndex) {
        let lost = lost.withLock { $0 }
        let walker = PointWalker(index)
        for (id, point) in points.sorted(by: { $0.key < $1.key }) {
            do throws(StoreError) {
                for disk in point.disks { try walker.walk(disk) }
                if !walker.packs.isDisjoint(with: lost) {
                    throw StoreError(.damaged, "some of its packs have no good copy")
                }
            } catch {
                let replica = replicas.first
                note(
                    Damage(
                        region: vault.region.name, replica: replica?.ordinal ?? 0,
                        path: replica?.path(of: .point(id), in: vault.id) ?? "",
                        structure: .recoveryPoint, kind: .dangling,
                        detail: "it cannot be restored: \(error.message)"))
            }
        }
    }
}

/// Follows manifest trees and finds every chunk in the index. Shared nodes are walked once.
final class PointWalker {
    private let index: ChunkIndex
    private let blocks = BlockCache()
    private let reader: ManifestReader
    private var walked = Set<NodeID>()
    /// Packs that what was walked needs.
    private(set) var packs = Set<PackID>()

    init(_ index: ChunkIndex) {
        self.index = index
        reader = ManifestReader(index, PackReader(index.vault), blocks: blocks)
    }

    /// Throws at the first node or chunk that is not there.
    func walk(_ disk: DiskRecord) throws(StoreError) {
        if let root = disk.root { try find(root, "manifest node") }
        try reader.forEachExtent(of: disk) { (_, node) throws(StoreError) in
            if walked.contains(node) { return }
            try find(node, "manifest node")
            for chunk in try reader.chunks(ofExtent: node) { try find(chunk.id, "chunk") }
            walked.insert(node)
        }
    }

    private func find(_ id: Digest, _ what: String) throws(StoreError) {
        guard let place = try index.find(id, blocks) else {
            throw StoreError(.damaged, "\(what) \(id.short) is in no pack")
        }
        packs.insert(place.pack)
    }
}
