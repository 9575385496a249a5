internal import KuraFormat
public import KuraIO
package import KuraStore

/// Something that is known to have been there, and that cannot be read now.
public struct Absence: Sendable, Equatable {
    public var message: String
    public var remedy: Remedy?
    /// The vault's name; nil where it is not known, or more than one is concerned.
    public var vault: String?
    /// Whether all of it can be read in another place: a replica that is away, for instance.
    public var isElsewhere = false
    /// Whether there may be vaults in it of which the home does not know.
    public var mayHideVaults = false

    package init(_ message: String, remedy: Remedy? = nil, vault: String? = nil) {
        self.message = message
        self.remedy = remedy
        self.vault = vault
    }

    init(_ error: KuraError, vault: String? = nil) {
        self.init(error.message, remedy: error.remedy, vault: vault)
    }

    /// For what cannot be done because of it.
    public var error: KuraError { KuraError(.absent, message, remedy: remedy) }
}

extension Subscription {
    /// What should be there and cannot be read: regions and replicas that the home names, vaults,
    /// recovery points and journal entries that the catalog remembers, points that a receipt names,
    /// vaults without a readable record. Empty when everything is there.
    ///
    /// - Parameters:
    ///   - vaultName: only what concerns this vault; nil for all.
    ///   - points: whether recovery points and journal entries count, too: three listings in each
    ///     replica of each vault.
    ///   - packs: whether the packs are looked for that the index lists: opens it, and asks for the
    ///     status of each copy of each pack.
    public func absences(
        of vaultName: String? = nil, points: Bool = true, packs: Bool = false
    ) throws(KuraError) -> [Absence] {
        let survey = try survey()
        let places = survey.records.map { VaultPlace($0, regions: regions) }
            .sorted { $0.name < $1.name }
        let remembered = rememberedVaults()
        let here = Set(places.map(\.record.id))
        let lost = remembered.filter { !here.contains($0.id) && survey.unreadable[$0.id] == nil }
        var found: [Absence] = []
        for region in regions { found += absences(of: region, places, lost: lost) }
        found += survey.unreadable.sorted { $0.key.hex < $1.key.hex }.map { id, error in
            let name = remembered.first { $0.id == id }?.name
            let what = name.map { "vault \($0)" } ?? "a vault"
            var absence = Absence(
                "\(what) cannot be read: \(error.message)", remedy: error.remedy, vault: name)
            absence.mayHideVaults = name == nil
            return absence
        }
        found += survey.regionProblems.map { problem in
            var absence = Absence(problem)
            absence.mayHideVaults = true
            return absence
        }
        found += lost.filter { record in regionOf(record)?.available.isEmpty != true }
            .map(missingVault)
        for place in places {
            if points { found += missingPoints(of: place) + missingEntries(of: place) }
            if packs { found += missingPacks(of: place) }
        }
        guard let vaultName else { return found }
        return found.filter { $0.vault == nil || $0.vault?.lowercased() == vaultName.lowercased() }
    }

    private func regionOf(_ record: VaultRecord) -> Region? {
        regions.first { $0.id == record.activeRegion }
    }

    private func missingVault(_ record: VaultRecord) -> Absence {
        let region = regionOf(record)?.name ?? "that this home does not know"
        return Absence(
            "vault \(record.name), which this home knows, is in no replica of region \(region)",
            remedy: .anyOf([
                .advice("mount its disks"),
                .steps([.advice("if another home deleted it"), .home(.rebuildCatalog)]),
            ]), vault: record.name)
    }

    // MARK: Regions

    /// - Parameter lost: vaults that the catalog remembers and that no region has.
    private func absences(
        of region: Region, _ places: [VaultPlace], lost: [VaultRecord]
    ) -> [Absence] {
        let mine = places.filter {
            [$0.record.activeRegion, $0.record.passiveRegion].contains(region.id)
        }
        guard region.available.isEmpty else { return replicas(of: region, away: mine) }
        let reason = region.obstacle
        var found = mine.compactMap { Self.absence(of: $0, in: region) }
        found += lost.filter { $0.activeRegion == region.id }.map { record in
            Absence(
                "region \(region.name), where vault \(record.name) is, cannot be reached: "
                    + (reason?.message ?? "it has no replica"),
                remedy: reason?.remedy, vault: record.name)
        }
        if found.isEmpty {
            var absence = Absence(
                "region \(region.name) cannot be reached, and what it holds cannot be read: "
                    + (reason?.message ?? "it has no replica"), remedy: reason?.remedy)
            absence.mayHideVaults = true
            found.append(absence)
        }
        return found
    }

    /// A vault of which one region is away as a whole.
    private static func absence(of place: VaultPlace, in region: Region) -> Absence? {
        if place.record.activeRegion == region.id {
            guard let notice = place.notice else {
                return Absence(place.unreachable, vault: place.name)
            }
            var absence = Absence(notice, vault: place.name)
            absence.isElsewhere = true
            return absence
        }
        let reason = region.obstacle
        var absence = Absence(
            "region \(region.name), which has the copies of vault \(place.name), cannot be "
                + "reached: " + (reason?.message ?? "it has no replica"),
            remedy: reason?.remedy, vault: place.name)
        absence.isElsewhere = true
        return absence
    }

    /// Replicas that cannot be used, of a region in which others can.
    private func replicas(of region: Region, away places: [VaultPlace]) -> [Absence] {
        region.problems.enumerated().compactMap { ordinal, problem in
            guard let problem, places.contains(where: { Int($0.record.copies) > ordinal }) else {
                return nil
            }
            let concerned = places.filter { Int($0.record.copies) > ordinal }
            var absence = Absence(
                problem, vault: concerned.count == 1 ? concerned[0].name : nil)
            absence.isElsewhere = true
            return absence
        }
    }

    // MARK: Points

    /// How many are named.
    private static let namedMax = 3

    /// What a region should have and has not.
    private struct Missing {
        /// Names of what no replica has.
        var nowhere: [String] = []
        /// Names of what the other region alone has, as a backup beside a failover leaves it there.
        var across: [String] = []
        /// What ends it beside bringing it back.
        var remedies: [Remedy] = []
    }

    /// Points that are known and that no replica has, although they were not dropped, or that the
    /// other region alone has.
    package func missingPoints(of place: VaultPlace) -> [Absence] {
        missing(from: place, ("a recovery point", "recovery points")) {
            catalog, vault throws(KuraError) in
            var found = Missing()
            let points = try catalog.missingPoints(of: vault)
            let across = try points.isEmpty ? [] : other(of: place, than: vault)?.heldPoints() ?? []
            for point in points {
                if across.contains(point.id) {
                    found.across.append(point.text)
                } else {
                    if found.nowhere.isEmpty { found.remedies = [.point(.drop(point.id.hex))] }
                    found.nowhere.append(point.text)
                }
            }
            return found
        }
    }

    /// A vault in the other one of its regions; nil where that cannot be read.
    func other(of place: VaultPlace, than vault: Vault) -> Vault? {
        let isActive = vault.region.id == place.record.activeRegion
        guard isActive ? place.isPassiveReachable : place.isActiveReachable,
            let region = isActive ? place.passive : place.active
        else { return nil }
        return Vault(region: region, record: place.record)
    }

    /// Entries of a vault's journal that the catalog remembers and no replica has.
    private func missingEntries(of place: VaultPlace) -> [Absence] {
        missing(from: place, ("an entry of the audit journal", "entries of the audit journal")) {
            catalog, vault throws(KuraError) in
            var found = Missing()
            let entries = try catalog.missingEntries(of: vault)
            let across =
                try entries.isEmpty ? [] : other(of: place, than: vault)?.journalIDs() ?? []
            for (id, entry) in entries {
                let name =
                    entry.subject.isEmpty
                    ? entry.operation : "\(entry.operation) of \(entry.subject)"
                if across.contains(id) {
                    found.across.append(name)
                } else {
                    found.nowhere.append(name)
                }
            }
            found.remedies = [
                .steps([.advice("if they are gone for good"), .home(.rebuildCatalog)])
            ]
            return found
        }
    }

    private func missing(
        from place: VaultPlace, _ noun: (one: String, many: String),
        _ find: (Catalog, Vault) throws(KuraError) -> Missing
    ) -> [Absence] {
        let found: Missing
        let isActive: Bool
        do throws(KuraError) {
            let vault = try place.reading()
            isActive = vault.region.id == place.record.activeRegion
            found = try find(catalog(), vault)
        } catch {
            // Without a catalog there is nothing to compare with; a vault that cannot be read is
            // an absence of its own.
            return []
        }
        func text(_ names: [String]) -> (what: String, verb: String, named: String) {
            let named = names.prefix(Self.namedMax).joined(separator: ", ")
            return (
                "\(names.count == 1 ? noun.one : "\(names.count) \(noun.many)") of vault "
                    + "\(place.name), known to this home,", names.count == 1 ? "is" : "are",
                named + (names.count > Self.namedMax ? " and others" : "")
            )
        }
        var absences: [Absence] = []
        if !found.across.isEmpty {
            let (what, verb, named) = text(found.across)
            let other = (isActive ? place.passiveName : place.activeName) ?? ""
            var absence = Absence(
                "\(what) \(verb) in region \(other) only: \(named)",
                remedy: .vault(.replicate(place.name)), vault: place.name)
            absence.isElsewhere = true
            absences.append(absence)
        }
        if !found.nowhere.isEmpty {
            let (what, verb, named) = text(found.nowhere)
            var absence = Absence(
                "\(what) \(verb) in no replica: \(named)",
                remedy: .anyOf(
                    [.advice("bring back the replicas that have them")] + found.remedies),
                vault: place.name)
            // What a failover left behind, or has not arrived in the region that is read, is in the
            // other region.
            absence.isElsewhere = place.record.failedOver || !isActive
            absences.append(absence)
        }
        return absences
    }

    /// Packs of a vault, as it is read, that are not where they should be. Looked for once a
    /// request.
    package func missingPacks(of vault: Vault) throws(KuraError) -> Vault.MissingPacks {
        guard let snapshot else { return try vault.missingPacks() }
        return try snapshot.missingPacks(of: vault.id) { () throws(KuraError) in
            try vault.missingPacks()
        }
    }

    private func missingPacks(of place: VaultPlace) -> [Absence] {
        do throws(KuraError) {
            let missing = try missingPacks(of: place.reading())
            return [(missing.nowhere, false), (missing.partly, true)].compactMap {
                packs, isPartly in
                guard let first = packs.first else { return nil }
                let more = packs.count > 1 ? " and \(packs.count - 1) more are" : " is"
                var absence = Absence(
                    "pack \(first.short)\(more) not in \(isPartly ? "every" : "any") replica of "
                        + "vault \(place.name)",
                    remedy: .vault(.repair(.chunks, vault: place.name)), vault: place.name)
                absence.isElsewhere = isPartly
                return absence
            }
        } catch {
            // A vault that cannot be read is an absence of its own, and a damaged index is damage.
            return []
        }
    }

    /// Throws where a point that is not found is one that the catalog remembers.
    func requireNotMissing(
        in vaultName: String?, _ isWanted: (RecoveryPointID, _ item: String?) -> Bool
    ) throws(KuraError) {
        for vault in try vaults() where vaultName == nil || vault.record.name == vaultName {
            let missing: [MissingPoint]
            do throws(KuraError) {
                missing = try catalog().missingPoints(of: vault)
            } catch {
                continue
            }
            guard let found = missing.first(where: { isWanted($0.id, $0.item) }) else { continue }
            let name =
                "recovery point \(found.id.short)\(found.item.map { " of item \($0)" } ?? ""), "
                + "known to this home,"
            let other = other(of: place(of: vault), than: vault)
            if let other, try other.heldPoints().contains(found.id) {
                throw KuraError(
                    .absent, "\(name) is in region \(other.region.name) only",
                    remedy: .vault(.replicate(vault.record.name)))
            }
            throw KuraError(
                .absent, "\(name) is in no replica",
                remedy: .anyOf([
                    .advice("bring back the replicas that have it"), .point(.drop(found.id.hex)),
                ]))
        }
    }

    /// Records of vaults that this home has seen. None without a catalog.
    private func rememberedVaults() -> [VaultRecord] {
        do throws(KuraError) {
            return try catalog().rememberedVaults()
        } catch {
            return []
        }
    }

    /// Enters vaults in the catalog, so that their absence is seen later. Without a catalog it is
    /// not.
    func remember(_ survey: VaultSurvey) {
        do throws(KuraError) {
            try catalog().remember(vaults: survey.records.compactMap(\.first))
        } catch {
            return
        }
    }
}
