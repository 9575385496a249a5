internal import KuraFormat
internal import KuraIO
internal import KuraMachines
internal import KuraOperations
internal import KuraPortal
internal import KuraVault

// What pages show, of what operations report.

extension VaultView {
    init(_ report: VaultReport) {
        self.init()
        name = report.name
        region = report.region
        pair = report.pair
        redundancy = report.record.redundancy.name
        copies = Int(report.record.copies)
        minCopies = Int(report.record.minCopies)
        state =
            switch report.state {
            case .active: .active
            case .degraded: .degraded
            case .contested: .contested
            }
        itemCount = report.itemCount
        pointCount = report.pointCount
        storedBytes = report.storedBytes
        notice = report.notice
    }
}

extension UsageView {
    init(_ statistics: VaultStatistics) {
        self.init()
        logicalBytes = statistics.logicalBytes
        uniqueBytes = statistics.uniqueBytes
        storedBytes = statistics.storedBytes
        deduplication = statistics.deduplication
        compression = statistics.compression
    }
}

extension RegionView {
    init(_ report: RegionReport) {
        self.init()
        name = report.name
        pair = report.pair
        replicas = report.replicas.map { Replica(path: $0.path, problem: $0.problem) }
        vaults = report.vaults.map(\.name)
    }
}

extension LagView {
    /// Nil for a vault without a pair.
    init?(_ lag: ReplicationLag) {
        guard lag.redundancy.hasPair, let passive = lag.passive else { return nil }
        let text =
            if let waiting = lag.waiting {
                "\(waiting.count) recovery points, \(Figures.bytes(lag.waitingBytes)) to \(passive)"
            } else {
                "not known: \(passive) cannot be reached"
            }
        self.init(vault: lag.vault, text: text)
    }
}

extension MachineView {
    init(_ row: MachineRow) {
        self.init()
        name = row.name
        cloudService = row.cloudService
        region = row.region
        item = row.item
        vault = row.vault
        status = row.status
        policy = row.policy
        lastBackup = row.lastBackup
        nextRun = row.nextRun
        deletedUntil = row.deletedUntil
        points = row.points
        disks = row.disks
        isGone = row.isGone
        isOverdue = row.isOverdue
    }
}

extension AgentView {
    init(_ agent: MachineAgent) {
        self.init()
        reference = "\(agent.cloudService)/\(agent.name)"
        system = agent.system.rawValue
        version = agent.agent.version
        isInstalled = agent.agent.isInstalled
        hasExtension = agent.hasExtension
        problem = agent.problem?.message
        state =
            switch agent.status {
            case .ready: .ready
            case .machineStopped: .off
            case .tooOld: .old
            case .updating: .updating
            case .absent, nil: .absent
            }
    }
}

extension JobView {
    init(_ job: Job) {
        self.init()
        id = job.id
        operation = job.operation.rawValue
        status = job.status.rawValue
        vault = job.vault
        item = job.item
        started = job.started
        ended = job.ended
        seconds = job.seconds
        progress = job.progress
        process = "\(job.process) (\(job.host))"
        tasks = job.tasks.map { Task(name: $0.name, status: $0.status.rawValue) }
        failure = job.error.map { Problem($0.message, remedy: $0.remedy, code: $0.code) }
        warnings = job.warnings
        output = job.output
        recoveryPoint = job.recoveryPoint
        canBeCancelled = job.operation.canBeCancelled
    }
}

extension PointView {
    init(_ report: PointReport) {
        self.init()
        id = report.id.hex
        time = report.point.time
        consistency = report.point.consistency.name
        tags = report.point.tags
        expires = report.expires
        logicalBytes = report.point.counts.logicalBytes
        newBytes = report.point.counts.newBytes
        copies = report.holders.count
        copiesWanted = report.copies
        disks = report.point.disks.map(\.name)
    }
}

extension AuditView {
    init(_ entry: AuditEntry) {
        self.init()
        time = entry.entry.time
        who = entry.entry.actor
        what =
            entry.entry.subject.isEmpty
            ? entry.entry.operation : "\(entry.entry.operation) \(entry.entry.subject)"
        note = entry.entry.note
        vault = entry.vault
    }
}

extension Problem {
    init(_ absence: Absence) { self.init(absence.message, remedy: absence.remedy) }
}

extension KuraError {
    /// The status of the page that says it.
    var httpStatus: Int {
        switch code {
        case .notFound: 404
        case .locked, .refused, .exists: 409
        case .invalidInput: 400
        case .noSpace: 507
        case .interrupted: 503
        case .damaged, .unsupported, .io, .replicaMissing, .absent: 500
        }
    }
}
