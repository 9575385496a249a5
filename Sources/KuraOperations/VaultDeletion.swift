internal import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import KuraStore
public import KuraVault
internal import Logging
internal import SystemPackage

/// What a vault holds.
public struct VaultContents: Sendable {
    /// Items that are no virtual machines.
    public var items = 0
    /// Their recovery points.
    public var points = 0
    /// What must be removed first, each with the way to do it: registered machines.
    public var machines: [Remedy.Part] = []

    /// "2 items with 12 recovery points"; empty for none.
    public var words: String {
        guard items > 0 else { return "" }
        return "\(items) item\(items == 1 ? "" : "s") with \(points) recovery "
            + "point\(points == 1 ? "" : "s")"
    }
}

extension Operations {
    /// What a deletion of the vault would destroy, and what keeps it from being deleted.
    public func contents(of place: VaultPlace) throws(KuraError) -> VaultContents {
        let vault = try place.writing()
        var contents = VaultContents()
        let settings = try subscription.settings(of: vault)
        for (item, state) in settings.items.sorted(by: { $0.key < $1.key }) {
            contents.machines.append(
                Remedy.Part(
                    subject: "\(item) is \(state.status.title.lowercased())",
                    remedy: Self.removalRemedy(of: item, state, by: settings.limits)))
        }
        for (item, count) in try subscription.catalog().pointCounts(of: vault)
        where settings.items[item] == nil {
            contents.items += 1
            contents.points += count.points
        }
        return contents
    }

    /// Deletes a vault that has nothing in it any more, with its journal. A job of the home stays
    /// as the trace of it.
    ///
    /// Every replica of its regions must be there: one that is away would bring it back. If power
    /// fails half-way, the vault is still there, or gone from some replicas: then run it again.
    /// - Parameter withPoints: whether recovery points of items that are no virtual machines go,
    ///   too.
    /// - Returns: what was in it.
    @discardableResult
    public func deleteVault(
        _ place: VaultPlace, withPoints: Bool = false
    ) throws(KuraError) -> VaultContents {
        let contents = try contents(of: place)
        try refuse(contents, of: place, withPoints: withPoints)
        return try withJob(.deleteBackupData, vault: place.name) { job throws(KuraError) in
            job.run.skip(task: 0)
            job.run.begin(task: 1)
            try delete(place)
            let words = contents.words.isEmpty ? "" : ", with \(contents.words)"
            let trace = "\(context.caller.name) deleted vault \(place.name)\(words)"
            job.run.keep(output: trace)
            context.logger.notice("vault deleted", metadata: ["what": "\(trace)"])
            return contents
        }.value
    }

    private func refuse(
        _ contents: VaultContents, of place: VaultPlace, withPoints: Bool
    ) throws(KuraError) {
        let holdsPoints = contents.points > 0 && !withPoints
        guard holdsPoints || !contents.machines.isEmpty else { return }
        let obstacles = (holdsPoints ? [contents.words] : []) + contents.machines.map(\.subject)
        var remedies: [Remedy] = []
        if !contents.machines.isEmpty { remedies.append(.forEach(contents.machines)) }
        if holdsPoints { remedies.append(.vault(.showContents(place.name))) }
        throw KuraError(
            .refused,
            "vault \(place.name) cannot be deleted: \(obstacles.joined(separator: "; "))",
            remedy: remedies.count == 1 ? remedies[0] : .steps(remedies))
    }

    private func delete(_ place: VaultPlace) throws(KuraError) {
        let vault = try place.writing()
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
