internal import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import KuraStore
public import KuraVault
internal import SystemPackage

extension Operations {
    /// Deletes a vault that has nothing in it any more, with its journal.
    ///
    /// Every replica of its regions must be there: one that is away would bring it back. If power
    /// fails half-way, the vault is still there, or gone from some replicas: then run it again.
    /// - Parameter withPoints: whether recovery points of items that are no virtual machines go,
    ///   too.
    public func deleteVault(
        _ place: VaultPlace, withPoints: Bool = false
    ) throws(KuraError) {
        let vault = try place.writing()
        let blockers = try blockers(of: place, vault).filter { !withPoints || $0.isMachine }
        guard blockers.isEmpty else {
            throw KuraError(
                .refused,
                "vault \(place.name) cannot be deleted: "
                    + blockers.map(\.what).joined(separator: "; "),
                remedy: .forEach(blockers.map { Remedy.Part(subject: $0.what, remedy: $0.remedy) }))
        }
        for region in [place.active, place.passive].compactMap({ $0 }) {
            let problems = region.problems.prefix(Int(place.record.copies))
            if let problem = problems.compactMap({ $0 }).first {
                throw KuraError(
                    problem.code,
                    "vault \(place.name) cannot be deleted while a replica is away, "
                        + "which would bring it back: \(problem.message)", remedy: problem.remedy)
            }
        }
        if place.record.pair != nil, place.passive == nil {
            throw KuraError(
                .replicaMissing, "the paired region of vault \(place.name) is not known here",
                remedy: .region(.attach))
        }
        try vault.withJournal { _ throws(KuraError) in
            for region in [place.passive, place.active].compactMap({ $0 }) {
                for replica in region.replicas.prefix(Int(place.record.copies)) {
                    try Self.removeVault(place.record.id, in: replica)
                }
            }
        }
        subscription.forgetRecords()
        try subscription.catalog().forget(vault)
    }

    /// What stands in the way of a vault's deletion, each with the command that removes it.
    private func blockers(
        of place: VaultPlace, _ vault: Vault
    ) throws(KuraError) -> [(what: String, remedy: Remedy, isMachine: Bool)] {
        var blockers: [(what: String, remedy: Remedy, isMachine: Bool)] = []
        let settings = try subscription.settings(of: vault)
        for (item, state) in settings.items.sorted(by: { $0.key < $1.key }) {
            let remedy = Self.removalRemedy(of: item, state, by: settings.limits)
            blockers.append(("\(item) is \(state.status.title.lowercased())", remedy, true))
        }
        let counts = try subscription.catalog().pointCounts(of: vault)
        for (item, count) in counts.sorted(by: { $0.key < $1.key })
        where settings.items[item] == nil {
            blockers.append(
                (
                    "item \(item) has \(count.points) recovery point"
                        + (count.points == 1 ? "" : "s"),
                    .vault(.delete(place.name, withPoints: true)), false
                ))
        }
        return blockers
    }

    /// The record goes first: a directory without one is no vault.
    private static func removeVault(
        _ id: UniqueID, in replica: Replica
    ) throws(KuraError) {
        let store = replica.store as? DirectoryStore
        let fileSystem: any FileSystem = store?.fileSystem ?? LocalFileSystem()
        do throws(IOError) {
            let path = replica.store.directory.pushing(FilePath(Layout.vault(id).key))
            guard try fileSystem.exists(path) else { return }
            let record = path.appending("vault")
            if try fileSystem.exists(record) { try fileSystem.remove(record) }
            try fileSystem.flushDirectory(path)
            try fileSystem.removeTree(path)
        } catch {
            throw KuraError(
                .io, "vault \(id) was not removed from \(replica.place): \(error)",
                remedy: .advice(
                    "repeat it; a directory without its record is no vault any more and can be "
                        + "removed by hand"),
                cause: error)
        }
    }
}
