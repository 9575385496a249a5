internal import KuraFormat
public import KuraIO
internal import KuraStore
internal import KuraVault

/// A recovery point that one region would not have.
public struct PointAtRisk: Sendable {
    public var vault: String
    /// Nil: the active region is gone, and the home has no list of what was not copied.
    public var point: WaitingPoint?
}

/// What a failover or a failback did, or why it did not.
public struct FailoverReport: Sendable {
    public struct Move: Sendable {
        public var vault: String
        public var from: String
        public var to: String
    }

    public var region: String
    public var moved: [Move] = []
    /// Points that the new active region does not have. Where they are not empty and nothing moved,
    /// the command refused.
    public var atRisk: [PointAtRisk] = []
    /// Vaults in the region that have no pair.
    public var uncovered: [String] = []
    public var job = ""
    /// Everything that the user should know beside the points at risk.
    public var warnings: [Warning] = []
    /// Whether points at risk kept it from doing anything.
    public var isRefused = false
}

/// A region that is declared lost, or back.
public struct RegionMove: Sendable {
    public var region: String
    /// Whether it is done although recovery points are left behind.
    public var acceptsLoss: Bool

    public init(_ region: String, acceptsLoss: Bool = false) {
        self.region = region
        self.acceptsLoss = acceptsLoss
    }
}

extension Operations {
    /// Makes the paired region the active one, for every vault that is active in a region, as one
    /// job.
    ///
    /// Copies first what can still be read. No vault moves while a committed point would be left
    /// behind, unless `acceptsLoss`: then the job fails, and the report names those points. Points
    /// that are left behind come back with the region.
    ///
    /// If it is killed, each vault has moved or has not: a vault moves by one record, the one with
    /// the highest revision counts, and each vault that has not moved yet moves when the request is
    /// repeated.
    public func failOver(_ request: RegionMove) throws(KuraError) -> FailoverReport {
        let lost = try subscription.region(named: request.region)
        return try moveVaults(.failover, for: request) { job, report throws(KuraError) in
            let here = try subscription.places().filter { $0.record.activeRegion == lost.id }
            report.uncovered = here.filter { $0.record.pair == nil }.map(\.name)
            let covered = here.filter { $0.record.pair != nil }
            job.audit(in: covered)
            for place in covered {
                try place.requireUncontested()
                try requireTarget(place)
            }
            for place in covered {
                if place.isActiveReachable { try bringAcross(place, job) }
                report.atRisk += try pointsAtRisk(place)
            }
            return covered
        }
    }

    /// Makes a region the active one again, for every vault that was made there, as one job.
    ///
    /// Both regions are brought to the same state first. Points that cannot be copied stay in the
    /// other region, and keep this from happening unless `acceptsLoss`. Crash points: see
    /// `failOver`.
    public func failBack(_ request: RegionMove) throws(KuraError) -> FailoverReport {
        let returned = try subscription.region(named: request.region)
        return try moveVaults(.failback, for: request) { job, report throws(KuraError) in
            let away = try subscription.places().filter {
                $0.record.region == returned.id && $0.record.failedOver
            }
            job.audit(in: away)
            for place in away {
                try place.requireUncontested()
                try requireTarget(place)
                guard place.isActiveReachable else {
                    throw KuraError(
                        .replicaMissing,
                        "region \(place.activeName), which is active for vault "
                            + "\(place.name), cannot be reached: what is only there would be left "
                            + "behind",
                        remedy: .anyOf([
                            .advice("mount its disks"), .region(.declareLost(place.activeName)),
                        ]))
                }
            }
            for place in away {
                try bringAcross(place, job)
                report.atRisk += try pointsAtRisk(place)
            }
            return away
        }
    }

    /// - Parameter prepare: copies what can be copied, and returns the vaults that move.
    private func moveVaults(
        _ operation: Job.Operation, for request: RegionMove,
        _ prepare: (OperationJob, inout FailoverReport) throws(KuraError) -> [VaultPlace]
    ) throws(KuraError) -> FailoverReport {
        var report = FailoverReport(region: request.region)
        do throws(KuraError) {
            let done = try withJob(operation) { job throws(KuraError) in
                let places = try prepare(job, &report)
                report.isRefused = !report.atRisk.isEmpty && !request.acceptsLoss
                if report.isRefused {
                    throw KuraError(
                        .refused, "\(report.atRisk.count) recovery points would be left behind")
                }
                try move(places, into: &report, job)
            }
            report.job = done.id
            report.warnings = done.warnings
        } catch {
            // A refusal is told with all that is at risk.
            guard report.isRefused else { throw error }
        }
        return report
    }

    // MARK: Steps

    private func requireTarget(_ place: VaultPlace) throws(KuraError) {
        guard !place.isPassiveReachable else { return }
        let problem = place.passive?.obstacle
        throw KuraError(
            .replicaMissing,
            "region \(place.passiveName ?? ""), where vault \(place.name) would "
                + "go, cannot be reached: "
                + (problem?.message ?? "the home does not know its directories"),
            remedy: .anyOf([
                .advice("mount its disks"), .region(.recreate(place.passiveName ?? "NAME")),
            ]))
    }

    /// Copies what can be copied. An error is a warning here: the points at risk show its effect.
    private func bringAcross(_ place: VaultPlace, _ job: OperationJob) throws(KuraError) {
        do throws(KuraError) {
            _ = try copyAcross(place, job)
        } catch {
            if error.code == .interrupted { throw error }
            job.warn("vault \(place.name) was not replicated: \(error.message)")
        }
    }

    private func pointsAtRisk(_ place: VaultPlace) throws(KuraError) -> [PointAtRisk] {
        guard let waiting = try subscription.waitingPoints(of: place) else {
            return [PointAtRisk(vault: place.name, point: nil)]
        }
        return waiting.map { PointAtRisk(vault: place.name, point: WaitingPoint($0)) }
    }

    private func move(
        _ places: [VaultPlace], into report: inout FailoverReport, _ job: OperationJob
    ) throws(KuraError) {
        var moved: [VaultPlace] = []
        for place in places {
            let now = try move(place, job)
            moved.append(now)
            // The journal of each vault that moved gets its entry in the new region.
            job.audit(in: moved + places.dropFirst(moved.count))
            report.moved.append(
                FailoverReport.Move(
                    vault: place.name, from: place.activeName, to: now.activeName))
        }
        job.describe("region \(report.region)")
        job.audit()
        for place in moved {
            // A backup that was at work in the old region may have committed since the copy.
            if place.replication != nil {
                try bringAcross(place, job)
            } else {
                // The queue is for the new active region now, which has no points of its own yet.
                try subscription.resetQueue(of: place)
                completeJournal(of: place, job)
            }
            if !report.atRisk.isEmpty { acceptLoss(in: place, job) }
        }
    }

    private func completeJournal(of place: VaultPlace, _ job: OperationJob) {
        do throws(KuraError) {
            try subscription.completeJournal(of: place)
        } catch {
            job.warn("entries of the journal that were left behind are missed: \(error.message)")
        }
    }

    /// What was left behind is not missed from now on. When its region is back, it is found again.
    private func acceptLoss(in place: VaultPlace, _ job: OperationJob) {
        do throws(KuraError) {
            try subscription.catalog().acceptMissing(in: place.reading())
        } catch {
            job.warn("points that were left behind are missed from now on: \(error.message)")
        }
    }

    /// Publishes the record that makes the other region active: first there, because that region
    /// works alone if the old one is gone.
    private func move(
        _ place: VaultPlace, _ job: OperationJob
    ) throws(KuraError) -> VaultPlace {
        guard let revision = place.record.revisionAfterFailover, let target = place.passive else {
            throw KuraError(.unsupported, "vault \(place.name) has failed over too often")
        }
        var record = place.record
        record.failedOver.toggle()
        record.revision = revision
        try subscription.replace(place.record, by: record, in: target, operation: "failover")
        if place.isActiveReachable, let old = place.active {
            do throws(KuraError) {
                try subscription.replace(place.record, by: record, in: old, operation: "failover")
            } catch {
                // The higher revision counts; the next replication writes it here, too.
                job.warn("region \(old.name) was not told of the failover: \(error.message)")
            }
        }
        return VaultPlace([record], regions: subscription.regions)
    }
}
