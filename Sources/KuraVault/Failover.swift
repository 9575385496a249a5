internal import KuraFormat
public import KuraIO
public import KuraReplication
internal import KuraStore

/// A recovery point that one region would not have.
public struct PointAtRisk: Sendable {
    public var vault: String
    /// Nil: the active region is gone, and nobody wrote down what was not copied.
    public var point: ReplicationPlan.Point?
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
    public var warnings: [String] = []
    /// Whether points at risk kept it from doing anything.
    public var isRefused = false
}

extension Subscription {
    /// Makes the paired region the active one, for every vault that is active in `name`.
    ///
    /// What can still be copied is copied first. Nothing moves while a committed point would be
    /// left behind, unless `acceptLoss`; points that are left behind come back with the region.
    ///
    /// Killed anywhere, this ends as it began or as it would have: a vault moves with one record,
    /// the one with the highest revision counts, and each vault that has not moved yet moves when
    /// it is run again.
    public func failOver(
        _ name: String, acceptLoss: Bool, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> FailoverReport {
        let lost = try region(named: name)
        var report = FailoverReport(region: name)
        let here = try places().filter { $0.record.activeRegion == lost.id }
        report.uncovered = here.filter { $0.record.pair == nil }.map(\.name)
        let covered = here.filter { $0.record.pair != nil }
        for place in covered {
            try place.requireUncontested()
            try requireTarget(place)
        }
        for place in covered {
            if place.isActiveReachable {
                report.warnings += try bringAcross(place, progress, cancellation)
            }
            report.atRisk += try pointsAtRisk(place)
        }
        report.isRefused = !report.atRisk.isEmpty && !acceptLoss
        if !report.isRefused { try move(covered, &report, progress, cancellation) }
        return report
    }

    /// Makes `name` the active region again, for every vault that was made there.
    ///
    /// Both regions are brought to the same state first. Points that cannot be copied stay in the
    /// other region, and keep this from happening unless `acceptLoss`. Crash points: see
    /// `failOver`.
    public func failBack(
        _ name: String, acceptLoss: Bool, progress: Progress = Progress(),
        cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> FailoverReport {
        let returned = try region(named: name)
        var report = FailoverReport(region: name)
        let away = try places().filter {
            $0.record.region == returned.id && $0.record.failedOver
        }
        for place in away {
            try place.requireUncontested()
            try requireTarget(place)
            guard place.isActiveReachable else {
                throw KuraError(
                    .replicaMissing, "region \(place.activeName), which is active for vault "
                        + "\(place.name), cannot be reached: what is only there would be left behind",
                    remedy: "mount its disks; or declare it lost: "
                        + "kura region failover \(place.activeName)")
            }
        }
        for place in away {
            report.warnings += try bringAcross(place, progress, cancellation)
            report.atRisk += try pointsAtRisk(place)
        }
        report.isRefused = !report.atRisk.isEmpty && !acceptLoss
        if !report.isRefused { try move(away, &report, progress, cancellation) }
        return report
    }

    // MARK: Steps

    private func requireTarget(_ place: VaultPlace) throws(KuraError) {
        guard !place.isPassiveReachable else { return }
        let problem = place.passive?.problems.compactMap { $0 }.first
        throw KuraError(
            .replicaMissing, "region \(place.passiveName ?? ""), where vault \(place.name) would go, "
                + "cannot be reached: "
                + (problem?.message ?? "the home does not know its directories"),
            remedy: "mount its disks; or, when they are gone for good, make it anew: "
                + "kura region add \(place.passiveName ?? "NAME") --recreate")
    }

    /// Copies what can be copied. What cannot is a warning here: the points tell what it means.
    private func bringAcross(
        _ place: VaultPlace, _ progress: Progress, _ cancellation: Cancellation
    ) throws(KuraError) -> [String] {
        do throws(KuraError) {
            let report = try replicate(place, progress: progress, cancellation: cancellation)
            return report.there.problems + report.back.problems
        } catch {
            if error.code == .interrupted { throw error }
            return ["vault \(place.name) was not replicated: \(error.message)"]
        }
    }

    private func pointsAtRisk(_ place: VaultPlace) throws(KuraError) -> [PointAtRisk] {
        guard let waiting = try waitingPoints(of: place) else {
            return [PointAtRisk(vault: place.name, point: nil)]
        }
        return waiting.map { PointAtRisk(vault: place.name, point: $0) }
    }

    private func move(
        _ places: [VaultPlace], _ report: inout FailoverReport, _ progress: Progress,
        _ cancellation: Cancellation
    ) throws(KuraError) {
        for place in places {
            let moved = try move(place, &report.warnings)
            report.moved.append(
                FailoverReport.Move(
                    vault: place.name, from: place.activeName, to: moved.activeName))
            // A backup that was at work in the old region may have committed since the copy.
            if moved.replication != nil {
                report.warnings += try bringAcross(moved, progress, cancellation)
            } else {
                // What waits now is what the new active region will have alone: nothing yet.
                try resetQueue(of: moved)
            }
        }
    }

    /// Publishes the record that makes the other region active: there first, because that region
    /// goes on alone if the old one is gone.
    private func move(
        _ place: VaultPlace, _ warnings: inout [String]
    ) throws(KuraError) -> VaultPlace {
        guard let revision = place.record.revisionAfterFailover, let target = place.passive else {
            throw KuraError(.unsupported, "vault \(place.name) has failed over too often")
        }
        var record = place.record
        record.failedOver.toggle()
        record.revision = revision
        try replace(place.record, by: record, in: target, operation: "failover")
        if place.isActiveReachable, let old = place.active {
            do throws(KuraError) {
                try replace(place.record, by: record, in: old, operation: "failover")
            } catch {
                // The higher revision counts; the next replication writes it here, too.
                warnings.append(
                    "region \(old.name) was not told of the failover: \(error.message)")
            }
        }
        return VaultPlace([record], regions: regions)
    }

    /// Replaces a vault's record in one region, under the vault's own lock. Throws where somebody
    /// else replaced it first.
    func replace(
        _ known: VaultRecord, by record: VaultRecord, in region: Region, operation: String
    ) throws(KuraError) {
        let intake = try Intake(into: Vault(region: region, record: known), operation: operation)
        var clean = false
        defer { intake.end(clean: clean) }
        try intake.publish(record)
        clean = true
    }
}
