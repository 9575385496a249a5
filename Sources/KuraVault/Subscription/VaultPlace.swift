public import KuraFormat
public import KuraIO
package import KuraReplication
public import KuraStore

/// A vault with the regions it is in, as far as they are known and can be reached.
public struct VaultPlace: Sendable {
    /// The record with the highest revision of any replica of any region.
    public let record: VaultRecord
    /// The region that takes backups; nil when the home does not know it.
    public let active: Region?
    /// The region that gets the copies; nil without a pair, or when the home does not know it.
    public let passive: Region?
    /// Whether there are different records of this revision: two processes wrote one without
    /// seeing the other's.
    public let isContested: Bool

    public var name: String { record.name }

    package init(_ records: [VaultRecord], regions: [Region]) {
        // Which of several rivals is read does not matter, as long as it is always the same one.
        record = records.max { $0.encoded().lexicographicallyPrecedes($1.encoded()) } ?? records[0]
        isContested = records.count > 1
        let (activeID, passiveID) = (record.activeRegion, record.passiveRegion)
        active = regions.first { $0.id == activeID }
        passive = regions.first { $0.id == passiveID }
    }

    public var activeName: String { active?.name ?? Self.unknown(record.activeRegion) }

    /// Nil without a pair.
    public var passiveName: String? {
        record.passiveRegion.map { passive?.name ?? Self.unknown($0) }
    }

    /// The region that the vault was made in.
    public var homeRegionName: String {
        record.failedOver ? passiveName ?? Self.unknown(record.region) : activeName
    }

    /// Its pair's name, whichever of both is active; nil without one.
    public var pairName: String? { record.failedOver ? activeName : passiveName }

    private static func unknown(_ id: UniqueID) -> String { "(unknown region \(id.hex.prefix(8)))" }

    private func canBeUsed(_ region: Region?) -> Bool {
        region?.available.contains { $0.ordinal < Int(record.copies) } ?? false
    }

    /// Whether some replica of the region that takes backups can be used now.
    public var isActiveReachable: Bool { canBeUsed(active) }

    /// Whether some replica of the other region can be used now.
    public var isPassiveReachable: Bool { canBeUsed(passive) }

    /// Whether the passive region may be read by itself: that is what RA-GRS is for, and after a
    /// failover the passive region is the one that was read before.
    public var passiveMayBeRead: Bool { record.redundancy == .raGRS || record.failedOver }

    /// The vault for reading: in its active region with the other one to fall back on, or, when the
    /// active region is gone and that is allowed, in the passive one.
    public func reading() throws(KuraError) -> Vault {
        if isActiveReachable, let active {
            return Vault(region: active, record: record, pair: passive)
        }
        if isPassiveReachable, passiveMayBeRead, let passive {
            return Vault(region: passive, record: record)
        }
        throw unreachable
    }

    /// The vault for backups: in its active region.
    public func writing() throws(KuraError) -> Vault {
        guard isActiveReachable, let active else { throw unreachable }
        try requireUncontested()
        return Vault(region: active, record: record, pair: passive)
    }

    /// Throws when there are rival records, so that writing would decide for one of them.
    package func requireUncontested() throws(KuraError) {
        guard isContested else { return }
        throw KuraError(
            .refused,
            "vault \(name) has different records of revision \(record.revision): two "
                + "writers changed it without knowing of each other; it can be read, not written",
            remedy: .steps([
                .vault(.show(name)),
                .advice(
                    "remove the file vaults/\(record.id.hex)/vault that is wrong from the replicas "
                        + "that have it"),
            ]))
    }

    /// Why the active region cannot be used, and what to do.
    public var unreachable: KuraError {
        let problem = active?.obstacle
        let reason = problem?.message ?? "the home does not know its directories"
        let message = "region \(activeName), where vault \(name) is, cannot be reached: \(reason)"
        guard isPassiveReachable, let passive else {
            return KuraError(
                .absent, message, remedy: problem?.remedy ?? .region(.attach), cause: problem)
        }
        return KuraError(
            .absent, message,
            remedy: .anyOf([
                .advice("mount its disks"),
                .region(.declareLost(activeName, successor: passive.name)),
            ]))
    }

    /// Why reading does not go to the active region; nil when it does.
    public var notice: String? {
        guard !isActiveReachable, isPassiveReachable, passiveMayBeRead, let passive else {
            return nil
        }
        return
            "region \(activeName) cannot be reached: vault \(name) is read from \(passive.name), "
            + "which may not have the newest recovery points"
    }

    /// The vault in both regions; nil unless both can be reached.
    package var replication: Replication? {
        guard isActiveReachable, isPassiveReachable, let active, let passive else { return nil }
        return Replication(
            active: Vault(region: active, record: record),
            passive: Vault(region: passive, record: record))
    }
}

extension Subscription {
    /// Every vault that a reachable region holds, by name. Throws where there is none of which a
    /// record can be read, but there are vaults.
    public func places() throws(KuraError) -> [VaultPlace] {
        let survey = try survey()
        if survey.records.isEmpty, let problem = survey.problems.first { throw problem }
        return survey.records.map { VaultPlace($0, regions: regions) }.sorted { $0.name < $1.name }
    }

    /// The records of all vaults in all regions.
    func survey() throws(KuraError) -> VaultSurvey {
        guard let snapshot else { return try newSurvey() }
        return try snapshot.survey { () throws(KuraError) in try newSurvey() }
    }

    private func newSurvey() throws(KuraError) -> VaultSurvey {
        var found: [UniqueID: [VaultRecord]] = [:]
        var survey = VaultSurvey()
        for region in regions {
            do throws(KuraError) {
                let inRegion = try region.survey()
                for (id, records) in inRegion.records {
                    for record in records { found[id, default: []].keepNewest(record) }
                }
                survey.unreadable.merge(inRegion.unreadable) { first, _ in first }
                survey.regionProblems += inRegion.problems
            } catch {
                // Another region may have good copies of the same records.
                survey.regionProblems.append(error)
            }
        }
        for id in found.keys { survey.unreadable[id] = nil }
        survey.records = Array(found.values)
        remember(survey)
        rememberMounts()
        return survey
    }

    /// Where an opened vault is.
    public func place(of vault: Vault) -> VaultPlace {
        VaultPlace([vault.record], regions: regions)
    }

    /// Finds a vault by its name, in whatever case.
    public func place(named name: String) throws(KuraError) -> VaultPlace {
        let all = try places()
        if let place = all.first(where: { $0.name.lowercased() == name.lowercased() }) {
            return place
        }
        // It may be where nothing can be read: "no such vault" would be a guess.
        let absences = try absences(points: false)
        if let known = absences.first(where: { $0.vault?.lowercased() == name.lowercased() }) {
            throw known.error
        }
        if let unknown = absences.first(where: { $0.mayHideVaults }) { throw unknown.error }
        let known = all.map(\.name).joined(separator: ", ")
        throw KuraError(
            .notFound, "there is no vault \(name)",
            remedy: known.isEmpty ? .vault(.create(name: name)) : .advice("vaults here: \(known)"))
    }

    /// The vault for reading.
    public func vault(named name: String) throws(KuraError) -> Vault {
        try place(named: name).reading()
    }

    /// Every vault that can be read, by name. What cannot is among `absences`.
    public func vaults() throws(KuraError) -> [Vault] {
        var vaults: [Vault] = []
        for place in try places() {
            do throws(KuraError) {
                vaults.append(try place.reading())
            } catch {
                continue
            }
        }
        return vaults
    }

    /// The vault in one region alone, for `--region`.
    public func vault(named name: String, in regionName: String) throws(KuraError) -> Vault {
        let place = try place(named: name)
        let region = try region(named: regionName)
        if region.id == place.active?.id { return Vault(region: region, record: place.record) }
        guard region.id == place.passive?.id else {
            let others = [place.activeName, place.passiveName].compactMap { $0 }
            throw KuraError(
                .notFound, "region \(regionName) does not hold vault \(place.name)",
                remedy: .advice("it is in \(others.joined(separator: " and "))"))
        }
        guard place.passiveMayBeRead else {
            throw KuraError(
                .refused,
                "region \(regionName) is the secondary of vault \(place.name), which is "
                    + "\(place.record.redundancy.name): it may be read after a failover only",
                remedy: .anyOf([
                    .region(.declareLost(place.activeName)),
                    .vault(.convert(place.name, redundancy: "ra-grs")),
                ]))
        }
        return Vault(region: region, record: place.record)
    }
}
