internal import KuraCodec
package import KuraFormat
public import KuraIO
package import KuraStore
public import KuraVault

/// One recovery point to be made of one item.
public struct ItemBackup: Sendable {
    public typealias Disk = SourceDisk

    /// Levels of zstd.
    public static var levels: ClosedRange<Int> { Compressor.levels }
    public static let defaultLevel = BackupRequest.defaultLevel

    /// When the point goes to the paired region within the job.
    public enum Replication: Sendable {
        case never
        /// Always; where it cannot be done, that is a warning.
        case asked
        /// Where the vault has a pair; another process that replicates right now does it, too.
        case wherePaired
    }

    public var place: VaultPlace
    public var item: String
    /// One of `levels`.
    public var level = ItemBackup.defaultLevel
    /// Whether every byte is hashed again, also where nothing seems to have changed.
    public var isParanoid = false
    /// How the files of disks are read. Bases and a snapshot are those of the only disk.
    public var reading = DiskReading()
    /// Whether a disk may be much smaller than in the item's newest point, or have no bytes.
    public var allowsShrinking = false
    /// Whether a disk is read that a machine writes to now.
    public var readsLiveDisks = false
    /// Whether the item's name follows from a disk's: then another disk of that name may be meant.
    public var isItemDerived = false
    /// Tags beside those that policies give; see `PointTags.checkFree`.
    public var tags: [String] = []
    public var replication: Replication = .never
    package var prepare: @Sendable (OperationJob) throws(KuraError) -> PreparedDisks

    /// - Parameter disks: opened already; they are read once.
    public init(_ place: VaultPlace, item: String, disks: [Disk]) {
        self.init(place, item: item) { job throws(KuraError) in
            job.run.skip(task: 0)
            return PreparedDisks(disks)
        }
    }

    /// - Parameter prepare: opens the disks, within the job, whose first task it begins or skips.
    ///   What it throws fails the job.
    package init(
        _ place: VaultPlace, item: String,
        prepare: @escaping @Sendable (OperationJob) throws(KuraError) -> PreparedDisks
    ) {
        self.place = place
        self.item = item
        self.prepare = prepare
    }
}

/// The disks of a backup while it runs, and what surrounds their reading.
package struct PreparedDisks: Sendable {
    package var disks: [BackupRequest.Disk]
    /// How the files of disks are read, by name; of others, as the request says.
    package var readings: [String: DiskReading] = [:]
    /// Names of disks that are in images, which are open.
    package var images: Set<String> = []
    /// How a user says that of a disk.
    package var rawRemedy = Remedy.point(.backUpRaw)
    /// How a user takes a disk that has become much smaller.
    package var shrinkRemedy = Remedy.point(.allowShrinking)
    package var liveDisks = LiveDisks.refused
    /// Whether the disks' names come from a machine's description, and not from names of files,
    /// which may have another date each day.
    package var areNamedByMachine = false

    /// What becomes of disks that a machine writes to while they are read.
    package enum LiveDisks: Sendable { case refused, warnedOf, expected }
    package var consistency: Consistency = .crashConsistent
    /// Asked once, after the last byte of every disk was read: what the point may claim in the end.
    package var confirmConsistency: (@Sendable () -> Consistency)?
    /// What the point is kept for.
    package var tags: [String] = []
    /// The point's time, in nanoseconds since 1970; nil for the start of the read.
    package var time: Int64?
    /// Called within the job when the point is durable.
    package var made: @Sendable (BackupReport) throws(KuraError) -> Void = { _ in }
    /// Called when the disks are not needed any more, whether the backup succeeded or not.
    package var release: @Sendable () -> Void = {}

    package init(_ disks: [BackupRequest.Disk]) { self.disks = disks }
}

/// What a backup did.
public struct ItemBackupReport: Sendable {
    /// The recovery point, and what its making cost.
    public var made: MadePoint
    /// Name of the vault that has it.
    public var vault: String
    /// Replicas of its region that should hold it.
    public var copies: Int
    /// When the point may go, in nanoseconds since 1970; nil where no time is set.
    public var expires: Int64?
    public var job: String
    /// What was met damaged on the way, each healed or with the reason why not.
    public var damage: [FoundDamage]
    /// Everything that the user should know, damage included.
    public var warnings: [Warning]

    public var pointReport: PointReport {
        PointReport(
            vault: vault, copies: copies, id: made.id, point: made.point, holders: made.replicas,
            expires: expires)
    }
}

extension Operations {
    /// Makes one recovery point of one item.
    ///
    /// On return the point is durable in every replica that took it, the job is over, the audit
    /// journal has its entry, damage that was met is healed, and the index is merged. What goes
    /// wrong after the point is durable is a warning.
    public func backup(_ request: ItemBackup) throws(KuraError) -> ItemBackupReport {
        try Name.checkItem(request.item)
        for tag in request.tags { try PointTags.checkFree(tag) }
        guard request.tags.count <= PointTags.freeTagsMax else {
            throw KuraError(
                .invalidInput,
                "\(request.tags.count) tags: a recovery point takes "
                    + "\(PointTags.freeTagsMax)")
        }
        let vault = try request.place.writing()
        let done = try withJob(
            .backup, vault: request.place.name, item: request.item, auditing: [request.place]
        ) { job throws(KuraError) in
            let made = try makePoint(request, in: vault, job)
            let across = bringAcross(request.place, when: request.replication, job)
            mergeRuns(vault, job)
            let healed = made.healed.map { FoundDamage($0) }
            for damage in healed { job.warn(damage.text()) }
            return (made, healed + across + job.healMetDamage(vault))
        }
        let (made, damage) = done.value
        return ItemBackupReport(
            made: MadePoint(made), vault: vault.record.name, copies: Int(vault.record.copies),
            expires: subscription.expiry(of: made, in: vault),
            job: done.id, damage: damage, warnings: done.warnings)
    }

    private func makePoint(
        _ request: ItemBackup, in vault: Vault, _ job: OperationJob
    ) throws(KuraError) -> BackupReport {
        var prepared = try request.prepare(job)
        defer { prepared.release() }
        try openImages(in: &prepared, of: request, vault, job)
        for disk in prepared.disks { disk.source.end(with: job.cancellation) }
        var stored = BackupRequest(
            item: request.item, disks: prepared.disks, consistency: prepared.consistency,
            level: request.level, threads: context.budget.threads)
        stored.confirmConsistency = prepared.confirmConsistency
        stored.tags = prepared.tags + request.tags
        stored.time = prepared.time
        stored.isParanoid = request.isParanoid
        stored.review = review(request, of: prepared, for: job)
        job.run.begin(task: 1)
        let made = try vault.backup(
            stored, progress: job.progress, cancellation: job.cancellation)
        job.run.keep(recoveryPoint: made.id.hex)
        for warning in made.warnings { job.warn(warning) }
        if let warning = subscription.noteBackup(made, in: vault) { job.warn(warning) }
        job.describe("recovery point \(made.id.hex)")
        // Before the point goes to the pair, so that its journal says so, too.
        job.audit()
        do throws(KuraError) {
            try prepared.made(made)
        } catch {
            job.warn(error.message)
        }
        return made
    }

    /// To the pair; what goes wrong there is a warning, because the point is durable here.
    private func bringAcross(
        _ place: VaultPlace, when replication: ItemBackup.Replication, _ job: OperationJob
    ) -> [FoundDamage] {
        let isWanted =
            switch replication {
            case .never: false
            case .asked: true
            case .wherePaired: place.record.redundancy.hasPair
            }
        guard isWanted else {
            job.run.skip(task: 2)
            return []
        }
        job.run.begin(task: 2)
        job.progress.begin(stage: "replicating")
        do throws(KuraError) {
            return try copyAcross(place, job).damage
        } catch {
            // Another process copies at this moment; what it leaves waits in the queue.
            if error.code != .locked || replication != .wherePaired {
                job.warn("not replicated: \(error.message)")
            }
            return []
        }
    }

    /// Keeps the index in few files. The point is durable, so what goes wrong is a warning.
    private func mergeRuns(_ vault: Vault, _ job: OperationJob) {
        do throws(KuraError) {
            try vault.mergeRuns(job.cancellation)
        } catch {
            if error.code != .interrupted {
                job.warn("index runs were not merged: \(error.message)")
            }
        }
    }
}
