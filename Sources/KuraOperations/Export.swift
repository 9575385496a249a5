public import KuraFormat
public import KuraIO
internal import KuraNBD
internal import KuraStore
public import KuraVault
internal import Logging
public import SystemPackage

/// Disks of one recovery point to be given to programs that speak NBD.
public struct PointExport: Sendable {
    public enum Place: Sendable {
        /// A file that only this user can connect to.
        case socket(FilePath)
        /// Of 127.0.0.1, to which every user of this machine can connect; 0 for any that is free.
        case port(UInt16)
    }

    public var point: LocatedPoint
    /// Name of the only disk; nil for all.
    public var disk: String?
    public var place: Place
    /// Whether the caller chose the region that the point is read from.
    public var isRegionChosen = false

    public init(_ point: LocatedPoint, disk: String? = nil, at place: Place) {
        self.point = point
        self.disk = disk
        self.place = place
    }
}

/// Where the disks of an export are.
public struct PointExportAddress: Sendable {
    public struct Disk: Sendable {
        public var disk: DiskRecord
        /// For clients: "nbd+unix:///os?socket=/run/disk".
        public var address: String
    }

    public var point: RecoveryPointID
    public var disks: [Disk]
    /// The job's id.
    public var job: String
}

/// What an export met.
public struct PointExportReport: Sendable {
    public var job = ""
    /// What was met damaged, each healed or with the reason why not.
    public var damage: [FoundDamage] = []
    /// Everything that the user should know, damage included.
    public var warnings: [Warning] = []
}

extension Operations {
    /// Gives disks of a recovery point to clients of NBD, to read, until the context is cancelled,
    /// or the job: that is its regular end.
    ///
    /// Every chunk is checked before a byte of it is given out. What the point needs is not removed
    /// meanwhile. A client that is told an error hears the reason, and so does the caller.
    /// - Parameter ready: is called when clients can connect.
    public func export(
        _ request: PointExport, ready: @Sendable (PointExportAddress) throws(KuraError) -> Void
    ) throws(KuraError) -> PointExportReport {
        let (vault, point) = (request.point.vault, request.point.point)
        let place = try subscription.place(named: vault.record.name)
        let done = try withJob(
            .restore, vault: vault.record.name, item: point.item, auditing: [place]
        ) { job throws(KuraError) in
            job.run.begin(task: 0)
            job.run.keep(recoveryPoint: request.point.id.hex)
            job.describe("recovery point \(request.point.id.hex) given to clients of NBD")
            prepareReading(request.point, place, isRegionChosen: request.isRegionChosen, in: job)
            try serve(request, job, ready: ready)
            for problem in vault.problems { job.warn(Warning(problem)) }
            return job.healMetDamage(vault)
        }
        return PointExportReport(job: done.id, damage: done.value, warnings: done.warnings)
    }

    private func serve(
        _ request: PointExport, _ job: OperationJob,
        ready: @Sendable (PointExportAddress) throws(KuraError) -> Void
    ) throws(KuraError) {
        let records = try Self.disks(of: request.point.point, named: request.disk)
        var readers: [PointReader] = []
        defer { for reader in readers { reader.close() } }
        for record in records {
            readers.append(
                try request.point.vault.reader(of: record, cancellation: job.cancellation))
        }
        let failures = ToldOnce(job)
        let server = NBDServer(
            readers.map { NBDServer.Disk($0.name, $0) }, threads: context.budget.threads
        ) { failures.tell($0) }
        let listener =
            switch request.place {
            case .socket(let path): try NBDListener(.socket(context.resolve(path)))
            case .port(let port): try NBDListener(.loopback(port))
            }
        try ready(
            PointExportAddress(
                point: request.point.id,
                disks: records.map {
                    PointExportAddress.Disk(disk: $0, address: listener.address(of: $0.name))
                }, job: job.id))
        try listener.run(server, cancellation: job.cancellation) { [logger = context.logger] in
            logger.notice("\($0.message)")
        }
    }
}

/// Warns of errors, and of each only once: a client asks again and again.
private final class ToldOnce: Sendable {
    private let job: OperationJob
    private let told = Guarded<Set<String>>([])

    /// A disk may have very many places that cannot be read.
    private static let linesMax = 20

    init(_ job: OperationJob) { self.job = job }

    func tell(_ error: KuraError) {
        let isNew = told.update { told in
            told.count < Self.linesMax && told.insert(error.message).inserted
        }
        if isNew { job.warn(Warning(error)) }
    }
}
