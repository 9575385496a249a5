internal import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import KuraStore
internal import Synchronization

/// What a copy from one region to another did.
public struct RegionCopyReport: Sendable {
    public var packs = 0
    public var runs = 0
    public var points = 0
    /// Bytes that were sent, once for all replicas of the target.
    public var bytes: UInt64 = 0
    /// Points that could not be copied, because they, or something that they need, have no good
    /// copy.
    public var stuck: [ReplicationPlan.Point] = []
    /// What could not be copied, and why, for people.
    public var problems: [String] = []
    /// What else went wrong, for people: receipts that could not be written.
    public var warnings: [String] = []
    /// Whether runs of the plan were gone, so that no point was copied: it takes another plan.
    var isOutdated = false

    public init() {}
}

/// Carries out one plan: packs first, recovery points last.
///
/// What is in the target if power fails, or the process is killed:
/// - among the packs, the tombstones or the runs: files that no recovery point there needs yet; the
///   next plan leaves them out;
/// - among the entries of the journal: some of them, and the vault's record;
/// - among the points: some of them, each complete, because all packs and runs came before;
/// - after a point, before its receipt: a point whose receipt the next replication writes as
///   `found`.
final class RegionCopy: Sendable {
    private let plan: ReplicationPlan
    private let source: Vault
    private let intake: Intake
    private let isLast: Bool
    private let progress: Progress
    private let cancellation: Cancellation
    private let state: Mutex<State>

    private struct State {
        var next = 0
        /// First error of the target; it ends the copy.
        var error: KuraError?
        var report: RegionCopyReport
        /// Packs without a good copy in the source.
        var lostPacks = Set<PackID>()
    }

    /// - Parameters:
    ///   - report: what was copied by an earlier plan that was outdated.
    ///   - isLast: whether points are copied also where runs of the plan are gone, each one if it
    ///     can be followed down to its chunks.
    init(
        _ plan: ReplicationPlan, from source: Vault, into intake: Intake,
        after report: RegionCopyReport, isLast: Bool, progress: Progress,
        cancellation: Cancellation
    ) {
        self.plan = plan
        self.source = source
        self.intake = intake
        self.isLast = isLast
        self.progress = progress
        self.cancellation = cancellation
        state = Mutex(State(report: report))
    }

    /// - Parameter threads: packs that are copied at the same time; each needs the memory of one.
    /// - Throws: the first error of the target; `interrupted`. Damage in the source is part of the
    ///   report.
    func run(threads: Int) throws(KuraError) -> RegionCopyReport {
        progress.update { $0.totalBytes += plan.byteCount }
        state.withLock { state in
            state.report.problems = plan.problems
            state.report.isOutdated = false
        }
        Threads.run(threads) { [self] _ in copyPacks() }
        if let error = state.withLock({ $0.error }) { throw error }
        try checkCancelled()
        try copyTombstones()
        let complete = try copyRuns()
        // A point names the runs of its backup, and the target has to have those that supersede
        // them.
        if !isLast, state.withLock({ $0.report.isOutdated }) { return state.withLock { $0.report } }
        if !complete { try intake.listUnlistedPacks() }
        try intake.publish(source.record)
        try copyJournal()
        try copyPoints(checked: !complete)
        return state.withLock { $0.report }
    }

    private func checkCancelled() throws(KuraError) {
        if cancellation.isCancelled { throw .interruptedByUser }
    }

    // MARK: Packs

    private func copyPacks() {
        while !cancellation.isCancelled {
            let number = state.withLock { state in
                defer { state.next += 1 }
                return state.error == nil ? state.next : plan.packs.count
            }
            guard number < plan.packs.count else { return }
            let pack = plan.packs[number]
            guard let bytes = soundCopy(of: .pack(pack.id)) else {
                state.withLock { _ = $0.lostPacks.insert(pack.id) }
                continue
            }
            do throws(KuraError) {
                try intake.publish(bytes, as: .pack(pack.id))
                count(UInt64(bytes.count)) { $0.packs += 1 }
            } catch {
                state.withLock { $0.error = $0.error ?? error }
            }
        }
    }

    /// The bytes of a file, from the first replica of the source with a good copy; nil, and a
    /// problem in the report, where there is none. A damaged file is never copied.
    private func soundCopy(of file: VaultFile) -> [UInt8]? {
        good { () throws(KuraError) in try source.soundBytes(of: file) }
    }

    private func good<T>(_ body: () throws(KuraError) -> T) -> T? {
        do throws(KuraError) {
            return try body()
        } catch {
            state.withLock { $0.report.problems.append(error.message) }
            return nil
        }
    }

    private func count(_ bytes: UInt64, _ body: (inout RegionCopyReport) -> Void) {
        state.withLock { state in
            body(&state.report)
            state.report.bytes += bytes
        }
        progress.update { $0.doneBytes += bytes }
    }

    // MARK: Runs and points

    /// - Returns: whether the target has every run that points of the source need, with all of its
    ///   packs.
    private func copyRuns() throws(KuraError) -> Bool {
        let lost = state.withLock { $0.lostPacks }
        let summaries = lost.isEmpty ? [] : try source.inventory().runs
        let blocked = Set(
            summaries.filter { run in run.packs.contains { lost.contains($0.id) } }.map(\.id))
        var complete = lost.isEmpty && plan.problems.isEmpty && !plan.relists
        for run in plan.runs {
            try checkCancelled()
            if blocked.contains(run.id) {
                complete = false
            } else {
                complete = try copy(run) && complete
            }
        }
        return complete
    }

    /// - Returns: whether the run was copied. One that is gone was merged since the plan was made,
    ///   which is no problem: its packs are in the target, and the next plan has the run that
    ///   supersedes it.
    private func copy(_ run: ReplicationPlan.File) throws(KuraError) -> Bool {
        let copy: SoundCopy
        do throws(KuraError) {
            copy = try source.soundCopy(of: .run(run.id))
        } catch {
            state.withLock { state in
                if error.code == .notFound {
                    state.report.isOutdated = true
                } else {
                    state.report.problems.append(error.message)
                }
            }
            return false
        }
        do throws(KuraError) {
            try intake.publish(copy, run: run.id, knowing: plan.sourcePoints)
        } catch {
            guard error.code == .notFound else { throw error }
            state.withLock { $0.report.isOutdated = true }
            return false
        }
        count(copy.byteCount) { $0.runs += 1 }
        return true
    }

    /// Settings come before the points that they are about. An entry without a good copy is a
    /// problem in the report; the others are copied all the same.
    private func copyJournal() throws(KuraError) {
        for id in plan.journal {
            try checkCancelled()
            guard let bytes = soundCopy(of: .journal(id)) else { continue }
            try intake.publish(bytes, journal: id)
        }
    }

    /// Points that were dropped in the source must not come back from the target. Before the runs,
    /// which may no longer list what such a point needed.
    private func copyTombstones() throws(KuraError) {
        for id in plan.dropped {
            try checkCancelled()
            guard let bytes = soundCopy(of: .dropped(id)) else { continue }
            try intake.publish(bytes, dropped: id)
        }
    }

    /// - Parameter checked: whether something is missing, so that each point has to be followed
    ///   down to its chunks before it may appear.
    private func copyPoints(checked: Bool) throws(KuraError) {
        let completeness = checked ? try Completeness(of: intake.vault) : nil
        for point in plan.points {
            try checkCancelled()
            let bytes: [UInt8]
            do throws(KuraError) {
                if let completeness { try completeness.require(source.recoveryPoint(point.id)) }
                bytes = try source.soundBytes(of: .point(point.id))
            } catch {
                // A prune may have dropped it since the plan was made.
                if try source.droppedPoints().contains(point.id) { continue }
                state.withLock { state in
                    state.report.stuck.append(point)
                    state.report.problems.append(
                        "recovery point \(point.id.short) of \(point.item): \(error.message)")
                }
                continue
            }
            let warnings = try intake.publish(bytes, point: point.id, arrival: .replication)
            count(UInt64(bytes.count)) { $0.points += 1 }
            state.withLock { $0.report.warnings += warnings }
        }
    }
}
