public import KuraFormat
public import KuraIO
public import KuraReplicas
internal import Synchronization

/// One vault in one region, opened: access to its files in every replica.
///
/// Safe from any thread. Reading needs one good copy of each file; writing needs `requiredCopies`
/// replicas.
public final class Vault: Sendable {
    public let region: Region
    public let record: VaultRecord
    /// Replicas that hold this vault and can be used now.
    public let replicas: [Replica]
    /// Per replica of this vault that cannot be used, why.
    public let problems: [KuraError]
    /// Replicas of the paired region that hold the same vault and can be used now: read where no
    /// replica of `region` has a good copy, never written.
    public let pair: [Replica]
    /// Whether every replica of the paired region can be used; true without a pair.
    private let isPairComplete: Bool
    /// Damage that reads met, in the order in which they met it; a good copy was read instead.
    private let met = Mutex<[Damage]>([])

    public var id: UniqueID { record.id }
    var clock: WallClock { region.clock }
    var budget: Budget { region.budget }
    var waits: WaitPolicy { region.waits }

    /// - Parameter pair: the paired region, which holds a vault of the same id; nil without one.
    public init(region: Region, record: VaultRecord, pair: Region? = nil) {
        self.region = region
        self.record = record
        self.pair = (pair?.available ?? []).filter { $0.ordinal < Int(record.copies) }
        isPairComplete = pair.map { $0.available.count == $0.replicas.count } ?? true
        let mine = region.replicas.prefix(Int(record.copies))
        replicas = mine.filter { region.problems[$0.ordinal] == nil }
        problems = mine.compactMap { region.problems[$0.ordinal] }
    }

    /// Creates a vault in the first `record.copies` replicas of a region, durably.
    public static func create(_ record: VaultRecord, in region: Region) throws(KuraError) -> Vault {
        let vault = Vault(region: region, record: record)
        try vault.requireWritable()
        try withKuraErrors {
            for replica in vault.replicas { try replica.store.prepare(vault: record.id) }
            // The record comes last: a vault that has one is complete.
            for replica in vault.replicas {
                // Owned by no session, so that the next one removes the draft that a power cut
                // leaves.
                try replica.store.put(
                    VaultFile.record.name(in: record.id), record.encoded(), condition: .replacing,
                    by: .random())
            }
        }
        return vault
    }

    /// Damage met since the vault was opened, each file once.
    public var damage: [Damage] { met.withLock { $0 } }

    /// Records damage that a read met.
    func note(_ damage: Damage) {
        // A file of a newer Kura is not damaged.
        if damage.isTooNew { return }
        met.withLock { known in
            if !known.contains(damage) { known.append(damage) }
        }
    }

    func note(_ error: any Error, in file: VaultFile, of replica: Replica) {
        note(Damage(in: replica, file, of: id, error))
    }

    /// Number of replicas that must hold what a backup acknowledges. At least two where there are
    /// several: of three, any two that one process writes to and any two that another process
    /// writes to have one in common, and there its locks keep the two apart.
    public var requiredCopies: Int {
        record.copies == 1 ? 1 : max(2, Int(record.minCopies))
    }

    /// Whether every replica of this region and of the paired one can be used: then a file that
    /// none of them has is lost.
    var isComplete: Bool { problems.isEmpty && isPairComplete }

    /// Whether backups go to this region; the paired one has copies.
    var isActive: Bool { record.activeRegion == region.id }

    /// Throws unless this version of Kura may write to the vault, and enough replicas can be used.
    func requireWritable() throws(KuraError) {
        if replicas.count < requiredCopies {
            throw tooFewReplicas(problems, required: requiredCopies)
        }
        if let unknown = record.optionalFeatures.first(where: { !Feature.known.contains($0) }) {
            throw KuraError(
                .unsupported,
                "vault \(record.name) has the feature \(unknown), which this Kura does "
                    + "not know: it can be read, not written",
                remedy: .useNewerKura)
        }
    }

    /// The error of a session that has fewer than `required` replicas to write to.
    /// - Parameter reasons: why each of the others cannot be written.
    func tooFewReplicas(_ reasons: [KuraError], required: Int) -> KuraError {
        guard !reasons.isEmpty else {
            return KuraError(.replicaMissing, "the vault has no replica")
        }
        if reasons.count == 1 || record.copies == 1 { return reasons[0] }
        let code = reasons.first { $0.code == .noSpace }?.code ?? reasons[0].code
        let usable = Int(record.copies) - reasons.count
        return KuraError(
            code,
            "vault \(record.name) needs \(required) "
                + "\(required == 1 ? "replica" : "replicas") that can be written, and "
                + "has \(usable): " + reasons.map(\.message).joined(separator: "; "),
            remedy: reasons.compactMap(\.remedy).first)
    }

    /// Reads a whole file from the first replica whose copy `parse` accepts.
    ///
    /// Copies that cannot be read or parsed are recorded as damage.
    /// - Parameters:
    ///   - max: longest file that is read, in bytes.
    ///   - mayBeAbsent: whether a missing copy is no damage.
    /// - Throws: `notFound` where no replica has the file; else `damaged`, or `unsupported` for a
    ///   newer version, with what is wrong with the first copy.
    func read<T>(
        _ file: VaultFile, max: Int, mayBeAbsent: Bool = false,
        _ parse: ([UInt8], Replica) throws -> T
    ) throws(KuraError) -> T {
        try firstGood(file, mayBeAbsent: mayBeAbsent) { replica in
            let bytes = try replica.store.contents(file.name(in: id), max: max)
            return try parse(bytes, replica)
        }
    }

    /// Tries `body` on each replica in turn, then on those of the pair, until one succeeds. Damage
    /// and errors are those of `read`.
    /// - Parameter mayBeAbsent: whether a missing copy is no damage. That is also so for kinds of
    ///   files that come and go.
    func firstGood<T>(
        _ file: VaultFile, mayBeAbsent: Bool = false, _ body: (Replica) throws -> T
    ) throws(KuraError) -> T {
        let mayBeAbsent = mayBeAbsent || file.kind.comesAndGoes
        var failures: [(Replica, any Error)] = []
        for replica in replicas + pair {
            do {
                let value = try body(replica)
                for (replica, error) in failures where !(mayBeAbsent && Self.isNotFound(error)) {
                    note(error, in: file, of: replica)
                }
                return value
            } catch {
                // The pair may not have the file yet: no damage.
                if isOwn(replica) || !Self.isNotFound(error) { failures.append((replica, error)) }
            }
        }
        for (replica, error) in failures where !Self.isNotFound(error) {
            note(error, in: file, of: replica)
        }
        throw noGoodCopy(of: file, failures, problems)
    }

    /// Whether a replica is one of this vault's region, not of its pair.
    func isOwn(_ replica: Replica) -> Bool { replica.regionName == region.name }

    static func isNotFound(_ error: any Error) -> Bool { (error as? IOError)?.isNotFound == true }

    private func noGoodCopy(
        of file: VaultFile, _ failures: [(Replica, any Error)], _ problems: [KuraError]
    ) -> KuraError {
        guard let (_, first) = failures.first else {
            return problems.first ?? KuraError(.replicaMissing, "the vault has no replica")
        }
        let missing = failures.allSatisfy { Self.isNotFound($0.1) }
        if missing {
            return KuraError(
                .notFound, "\(file.structure.rawValue) \(file.relativePath) is in no replica",
                remedy: .vault(.repair(.chunks, vault: record.name)), cause: first)
        }
        if let version = first as? FormatError, case .unsupportedVersion = version {
            return KuraError(format: version, at: file.relativePath)
        }
        return KuraError(
            .damaged,
            "no replica has a good copy of \(file.relativePath): \(first)",
            remedy: .vault(.repair(.chunks, vault: record.name)), cause: first)
    }

    /// Names of a directory of the vault, from every replica together.
    ///
    /// A replica that cannot be listed is recorded as damage; when none can be, that is an error,
    /// never an empty list.
    /// - Parameter directory: below the vault's own.
    /// - Returns: per name, the replicas that have it.
    package func list(_ directory: String) throws(KuraError) -> [String: [Replica]] {
        var found: [String: [Replica]] = [:]
        try eachName(in: directory) { name, replica in
            found[name, default: []].append(replica)
        }
        return found
    }

    private func eachName(
        in directory: String, _ body: (String, Replica) -> Void
    ) throws(KuraError) {
        let folder = Layout.vault(id).folder(directory)
        try eachReplica(folder) { replica throws(IOError) in
            try replica.store.names(in: folder)
        } body: {
            for name in $0 { body(name, $1) }
        }
    }

    /// Calls `body` with what `list` returns for each replica. A replica for which it throws is
    /// recorded as damage; when it throws for all, that is an error.
    func eachReplica<T>(
        _ folder: StoreFolder, _ list: (Replica) throws(IOError) -> T, body: (T, Replica) -> Void
    ) throws(KuraError) {
        var failure: (any Error)?
        var listed = 0
        for replica in replicas {
            do throws(IOError) {
                body(try list(replica), replica)
                listed += 1
            } catch {
                failure = error
                note(Damage(in: replica, folder, error))
            }
        }
        if listed == 0 {
            throw failure.map(KuraError.init) ?? problems.first
                ?? KuraError(.replicaMissing, "the vault has no replica")
        }
    }

    /// Calls `body` with the name of every pack that some replica holds, in ascending order. Has
    /// about one 256th of the names in memory at a time.
    func forEachPack(_ body: (PackID) throws(KuraError) -> Void) throws(KuraError) {
        for shard in Layout.fanOut {
            for name in try list("\(Layout.packs)/\(shard)").keys.sorted() {
                if let id = PackID(hex: name) { try body(id) }
            }
        }
    }

    /// Like `list`, for a directory that is made when it is first needed: where it is missing, it
    /// has no names. A replica that cannot be listed is recorded as damage, and is never an error.
    func listIfPresent(_ directory: String) throws(KuraError) -> [String: [Replica]] {
        var found: [String: [Replica]] = [:]
        let folder = Layout.vault(id).folder(directory)
        for replica in replicas {
            do {
                for name in try replica.store.namesIfPresent(in: folder) {
                    found[name, default: []].append(replica)
                }
            } catch {
                note(Damage(in: replica, folder, error))
            }
        }
        return found
    }

    /// Ordinals of the replicas that hold a file of this name. The content is not checked.
    public func holders(of file: VaultFile) throws(KuraError) -> [Int] {
        try withKuraErrors {
            try replicas.filter { try $0.store.exists(file.name(in: id)) }.map(\.ordinal)
        }
    }

    /// Whether every usable replica holds this very record.
    package func holdsEverywhere(_ record: VaultRecord) throws(KuraError) -> Bool {
        for replica in replicas where try recordHeld(by: replica) != record { return false }
        return true
    }

    /// The record of this vault in a replica; nil where there is none that can be read.
    func recordHeld(by replica: Replica) throws(KuraError) -> VaultRecord? {
        let bytes: [UInt8]
        do throws(IOError) {
            bytes = try replica.store.contents(
                VaultFile.record.name(in: id), max: SealedRecord.byteCountMax)
        } catch {
            if error.isNotFound { return nil }
            throw KuraError(io: error)
        }
        do throws(FormatError) {
            let record = try VaultRecord.decode(bytes)
            return record.id == id ? record : nil
        } catch {
            return nil
        }
    }

    /// Removes a file that nothing needs any more; one that is missing is no error.
    /// - Returns: the bytes that it had; 0 where it was missing.
    @discardableResult
    func remove(_ file: VaultFile, in replica: Replica) throws(IOError) -> UInt64 {
        let name = file.name(in: id)
        do throws(IOError) {
            let byteCount = try replica.store.status(name).byteCount
            try replica.store.delete([name])
            return byteCount
        } catch {
            if error.isNotFound { return 0 }
            throw error
        }
    }
}
