internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Verifies the index runs of a vault in every replica.
///
/// A replica need not hold every run: one that a crash left half published, or that was merged into
/// another, may be missing without harm. It must hold the entries of every run that a recovery
/// point names: the run itself, or one that superseded it.
struct RunVerification {
    private let verification: Verification

    init(_ verification: Verification) { self.verification = verification }

    /// Reads every copy of every run, and records the damaged ones in the report.
    /// - Returns: every run of which some copy has a good trailer, superseded ones among them.
    func run() throws(KuraError) -> [IndexRunReader] {
        let vault = verification.vault
        var readers: [IndexRunReader] = []
        var missing: [(RunID, Replica)] = []
        var listed = Set<RunID>()
        // Before the listing, so that every run that these points name is listed, or superseded.
        var required = try vault.runsOfPoints()
        for (name, holders) in try vault.list(Layout.index).sorted(by: { $0.key < $1.key }) {
            guard let id = RunID(hex: name), !verification.isCancelled else { continue }
            listed.insert(id)
            for replica in verification.replicas {
                if holders.contains(where: { $0.ordinal == replica.ordinal }) {
                    do {
                        verification.count(
                            bytes: try RunFile.read(id, in: replica, of: vault))
                    } catch  where Vault.isNotFound(error) {
                        // Another process may have merged and removed it since the listing.
                        missing.append((id, replica))
                    } catch {
                        verification.note(error, in: .run(id), of: replica)
                    }
                } else {
                    missing.append((id, replica))
                }
            }
            do throws(KuraError) {
                readers.append(try IndexRunReader(id, vault))
            } catch {
                // No copy is good; each was recorded above. Points that need its chunks are
                // recorded when they are followed.
                continue
            }
        }
        // A merge removes a run from one replica after the other, behind a run that was not listed.
        let isGone = listed.count > readers.count || !missing.isEmpty
        let known = isGone ? try ChunkIndex.open(vault) : ChunkIndex(vault, runs: readers)
        let superseded = Set((known.runs + known.obsolete).flatMap(\.trailer.superseded))
        // A point may have been dropped since, and what only it needed is gone with it.
        if !missing.isEmpty || !required.isSubset(of: listed) {
            required.formIntersection(try vault.runsOfPoints())
        }
        for id in required.subtracting(listed) {
            missing += verification.replicas.map { (id, $0) }
        }
        for (id, replica) in missing where required.contains(id) && !superseded.contains(id) {
            verification.note(
                IOError.notFound(
                    "open", place: replica.store.address(of: VaultFile.run(id).name(in: vault.id))),
                in: .run(id), of: replica)
        }
        return isGone ? known.runs + known.obsolete : readers
    }
}
