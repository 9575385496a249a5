internal import GRDB
package import KuraIO

/// Which jobs a list shows.
public struct JobFilter: Sendable {
    public var status: Job.Status?
    public var operation: Job.Operation?
    public var vault: String?
    public var limit: Int?

    public init(
        status: Job.Status? = nil, operation: Job.Operation? = nil, vault: String? = nil,
        limit: Int? = nil
    ) {
        self.status = status
        self.operation = operation
        self.vault = vault
        self.limit = limit
    }
}

extension Catalog {
    /// How long the history of jobs is kept.
    static let jobDaysMax: Int64 = 180
    private static let nanosecondsADay: Int64 = 86_400_000_000_000

    package func insert(_ job: Job) throws(KuraError) {
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO job (id, operation, status, vault, item, started, progress, process,
                        host, warnings, output) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, '', '')
                    """,
                arguments: [
                    job.id, job.operation.rawValue, job.status.rawValue, job.vault, job.item,
                    job.started, Int64(job.process), job.host,
                ])
            for (ordinal, task) in job.tasks.enumerated() {
                try database.execute(
                    sql: "INSERT INTO job_task (job, ordinal, name, status) VALUES (?, ?, ?, ?)",
                    arguments: [job.id, ordinal, task.name, task.status.rawValue])
            }
            // Counted from this job's own time, so that `tick` at another one tells the same.
            let oldest = job.started - Self.jobDaysMax * Self.nanosecondsADay
            try database.execute(
                sql: "DELETE FROM job WHERE ended IS NOT NULL AND started < ?", arguments: [oldest])
        }
    }

    /// Writes down how far a job is, 0...1.
    /// - Returns: whether a user asked to cancel it.
    package func record(progress: Double, of id: String) throws(KuraError) -> Bool {
        try write { database in
            try database.execute(
                sql: "UPDATE job SET progress = max(progress, ?) WHERE id = ?",
                arguments: [progress, id])
            let status = try String.fetchOne(
                database, sql: "SELECT status FROM job WHERE id = ?", arguments: [id])
            return status == Job.Status.cancelling.rawValue
        }
    }

    package func record(
        _ status: Job.Task.Status, task ordinal: Int, of id: String
    ) throws(KuraError) {
        try write { database in
            try database.execute(
                sql: "UPDATE job_task SET status = ? WHERE job = ? AND ordinal = ?",
                arguments: [status.rawValue, id, ordinal])
        }
    }

    /// Ends a job that has not ended. One transaction, so that no reader sees half of it.
    package func end(
        _ id: String, as status: Job.Status, at time: Int64, failure: Job.Failure? = nil,
        warnings: [Warning] = [], output: String = "", recoveryPoint: String? = nil
    ) throws(KuraError) {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE job SET status = ?, ended = ?, error_code = ?, error_message = ?,
                        error_remedy = ?, warnings = ?, output = ?, recovery_point = ?,
                        progress = CASE WHEN ? THEN 1.0 ELSE progress END
                    WHERE id = ? AND ended IS NULL
                    """,
                arguments: [
                    status.rawValue, time, failure?.code, failure?.message,
                    failure?.remedy.flatMap(CatalogText.text(of:)),
                    CatalogText.text(of: warnings), output, recoveryPoint,
                    failure == nil && status != .cancelled, id,
                ])
            let isGood = status == .completed || status == .completedWithWarnings
            try database.execute(
                sql: "UPDATE job_task SET status = ? WHERE job = ? AND status IN (?, ?)",
                arguments: [
                    isGood ? Job.Task.Status.completed.rawValue : Job.Task.Status.failed.rawValue,
                    id, Job.Task.Status.inProgress.rawValue,
                    isGood ? Job.Task.Status.notStarted.rawValue : "",
                ])
        }
    }

    /// Asks for the end of a job that runs.
    func requestCancel(_ id: String) throws(KuraError) {
        try write { database in
            try database.execute(
                sql: "UPDATE job SET status = ? WHERE id = ? AND status = ?",
                arguments: [
                    Job.Status.cancelling.rawValue, id, Job.Status.inProgress.rawValue,
                ])
        }
    }

    /// Newest first.
    func jobs(_ filter: JobFilter = JobFilter()) throws(KuraError) -> [Job] {
        var conditions: [String] = []
        var arguments = StatementArguments()
        func require(_ column: String, _ value: String?) {
            guard let value else { return }
            conditions.append("\(column) = ?")
            arguments += [value]
        }
        require("status", filter.status?.rawValue)
        require("operation", filter.operation?.rawValue)
        require("vault", filter.vault)
        let clause = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
        let limit = filter.limit.map { "LIMIT \($0)" } ?? ""
        return try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM job \(clause) ORDER BY started DESC, id \(limit)",
                arguments: arguments
            ).compactMap { try Self.job($0, database) }
        }
    }

    /// Jobs whose id starts with `prefix`.
    func jobs(startingWith prefix: String) throws(KuraError) -> [Job] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM job WHERE substr(id, 1, length(?)) = ? LIMIT 8",
                arguments: [prefix, prefix]
            ).compactMap { try Self.job($0, database) }
        }
    }

    /// Nil for a row that a newer Kura wrote, with an operation or a status of its own.
    private static func job(_ row: Row, _ database: Database) throws -> Job? {
        guard let operation = Job.Operation(rawValue: row["operation"]),
            let status = Job.Status(rawValue: row["status"])
        else { return nil }
        let id: String = row["id"]
        let tasks = try Row.fetchAll(
            database, sql: "SELECT name, status FROM job_task WHERE job = ? ORDER BY ordinal",
            arguments: [id]
        ).map { row in
            Job.Task(row["name"], Job.Task.Status(rawValue: row["status"]) ?? .failed)
        }
        var job = Job(
            id: id, operation: operation, vault: row["vault"], item: row["item"],
            started: row["started"],
            process: UInt32(truncatingIfNeeded: row["process"] as Int64), host: row["host"],
            tasks: tasks)
        job.status = status
        job.ended = row["ended"]
        job.progress = row["progress"]
        if let code = row["error_code"] as String? {
            let remedy: String? = row["error_remedy"]
            job.error = Job.Failure(
                code: code, message: row["error_message"] ?? "",
                remedy: remedy.flatMap(CatalogText.remedy(from:)))
        }
        job.warnings = CatalogText.warnings(from: row["warnings"])
        job.output = row["output"]
        job.recoveryPoint = row["recovery_point"]
        return job
    }
}
