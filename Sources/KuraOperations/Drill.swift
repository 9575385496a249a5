public import KuraFormat
public import KuraIO
internal import KuraReplication
internal import KuraStore
internal import KuraVault
public import SystemPackage

/// A vault whose loss of a region is simulated.
public struct DrillRequest: Sendable {
    /// The vault's name.
    public var vault: String
    /// An existing directory with room for the disks; what is restored there is removed again.
    public var scratch: FilePath

    public init(vault: String, scratch: FilePath) {
        self.vault = vault
        self.scratch = scratch
    }
}

/// What a drill found out: whether, how fast and how much a vault comes back without its active
/// region.
public struct DrillReport: Sendable {
    public var vault: String
    /// The region that it was restored from.
    public var region: String
    /// The newest recovery point that was there.
    public var id: RecoveryPointID
    public var point: RecoveryPoint
    /// How much newer the vault's newest committed point is, in nanoseconds: the achieved RPO.
    public var lag: Int64
    /// Age of the point that was restored, in nanoseconds.
    public var age: Int64
    /// From the start of the drill until every disk was on stable storage: the achieved RTO.
    public var seconds: Double
    /// Bytes of the disks that were restored.
    public var bytes: UInt64 = 0
    /// Whether the disks were compared, byte by byte, with what the active region restores.
    public var isCompared = false
    /// Why not, or what it was compared with.
    public var comparison = ""
    /// Disks whose restored bytes are not those of the active region.
    public var differing: [String] = []
    public var job = ""
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage] = []
    /// Everything that the user should know, damage included.
    public var warnings: [Warning] = []
}

extension Operations {
    /// Simulates the loss of a vault's active region: restores the newest point that the other
    /// region has, and compares it with what the active region restores, as one job.
    ///
    /// Reads both regions. Writes to them nothing but the entry in the audit journal and what heals
    /// damage that was met.
    public func drill(_ request: DrillRequest) throws(KuraError) -> DrillReport {
        let place = try subscription.place(named: request.vault)
        let done = try withJob(
            .drill, vault: place.name, auditing: [place]
        ) { job throws(KuraError) in
            try refuseOwnDirectories(request.scratch)
            let passive = try otherRegion(of: place)
            let directory = context.resolve(request.scratch)
                .appending("kura-drill-\(UniqueID.random())")
            try withKuraErrors { try LocalFileSystem().makeDirectory(directory) }
            defer { Self.remove(directory) }
            return try drill(place, from: passive, into: directory, job)
        }
        var report = done.value
        report.job = done.id
        report.warnings = done.warnings
        return report
    }

    private func otherRegion(of place: VaultPlace) throws(KuraError) -> Region {
        guard place.record.pair != nil else {
            throw KuraError(
                .refused,
                "vault \(place.name) is \(place.record.redundancy.name): without a "
                    + "paired region there is nothing to drill",
                remedy: .vault(.convert(place.name, redundancy: "grs")))
        }
        guard place.isPassiveReachable, let passive = place.passive else {
            throw KuraError(
                .replicaMissing,
                "region \(place.passiveName ?? "") cannot be reached, so nothing "
                    + "could be restored from it", remedy: .advice("mount its disks"))
        }
        return passive
    }

    private func drill(
        _ place: VaultPlace, from passive: Region, into directory: FilePath, _ job: OperationJob
    ) throws(KuraError) -> DrillReport {
        let start = Clock.steady()
        let vault = Vault(region: passive, record: place.record)
        let newest =
            try vault.heldPoints().isEmpty
            ? nil : vault.recoveryPoints().max { $0.point.time < $1.point.time }
        guard let newest else {
            throw KuraError(
                .refused,
                "no recovery point of vault \(place.name) is in region \(passive.name): "
                    + "nothing would come back",
                remedy: .vault(.replicate(place.name)))
        }
        job.run.keep(recoveryPoint: newest.id.hex)
        job.describe("recovery point \(newest.id.hex)")
        var report = DrillReport(
            vault: place.name, region: passive.name, id: newest.id, point: newest.point,
            lag: Clock.elapsed(
                from: newest.point.time, to: try newestCommitted(of: place, newest.point.time)),
            age: Clock.elapsed(from: newest.point.time, to: context.clock.now()), seconds: 0)
        for (number, disk) in newest.point.disks.enumerated() {
            _ = try vault.restore(
                disk,
                to: SinkPath(Self.file(number, in: directory)).open(byteCount: disk.byteCount),
                threads: context.budget.threads, progress: job.progress,
                cancellation: job.cancellation)
            report.bytes += disk.byteCount
        }
        report.seconds = Double(Clock.steady() - start) / 1e9
        let active =
            place.isActiveReachable
            ? place.active.map { Vault(region: $0, record: place.record) } : nil
        try compare(&report, with: active, of: place, in: directory, job)
        report.damage = heal(vault, and: active, job)
        if !report.differing.isEmpty {
            job.warn("the restored disks differ: \(report.differing.joined(separator: ", "))")
        }
        return report
    }

    /// Each region was read without the other one; it is healed with it.
    private func heal(
        _ passive: Vault, and active: Vault?, _ job: OperationJob
    ) -> [FoundDamage] {
        let record = passive.record
        let there = job.heal(
            passive.damage, of: Vault(region: passive.region, record: record, pair: active?.region))
        guard let active else { return there }
        return there
            + job.heal(
                active.damage,
                of: Vault(region: active.region, record: record, pair: passive.region))
    }

    private static func file(_ number: Int, in directory: FilePath) -> FilePath {
        directory.appending("disk-\(number)")
    }

    /// Time of the newest point that was acknowledged, wherever it is.
    private func newestCommitted(
        of place: VaultPlace, _ known: Int64
    ) throws(KuraError) -> Int64 {
        let waiting = try subscription.waitingPoints(of: place) ?? []
        return waiting.map(\.time).max().map { max($0, known) } ?? known
    }

    private static func remove(_ directory: FilePath) {
        do throws(IOError) {
            try LocalFileSystem().removeTree(directory)
        } catch {
            // It is scratch space, and its name says whose.
            return
        }
    }

    // MARK: Comparing

    private func compare(
        _ report: inout DrillReport, with active: Vault?, of place: VaultPlace,
        in directory: FilePath, _ job: OperationJob
    ) throws(KuraError) {
        let checked = "every chunk was compared with its SHA-256 on the way"
        guard let active else {
            report.comparison = "\(checked); region \(place.activeName) cannot be reached"
            return
        }
        for (number, disk) in report.point.disks.enumerated() {
            let path = Self.file(number, in: directory)
            do throws(KuraError) {
                let comparison = ComparingSink(
                    with: try FileSource(path), byteCount: disk.byteCount)
                _ = try active.restore(
                    disk, to: comparison, threads: context.budget.threads,
                    cancellation: job.cancellation)
                if !comparison.isEqual { report.differing.append(disk.name) }
            } catch {
                if error.code == .interrupted { throw error }
                report.comparison =
                    "\(checked); region \(place.activeName) could not restore "
                    + "\(disk.name): \(error.message)"
                return
            }
        }
        report.isCompared = true
        report.comparison = "byte by byte with what region \(place.activeName) restores"
    }
}
