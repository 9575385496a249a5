internal import KuraFormat
public import KuraIO
public import KuraReplicas

/// What some replicas lack of a vault: a value that can be shown before anything is copied.
///
/// What the vault holds is the union of all its replicas, so the plan only adds files. That one
/// replica lacks a file is never a reason to remove it from another.
public struct CopyPlan: Sendable {
    /// One file and the replicas that lack it.
    public struct Step: Sendable, Equatable {
        public var file: VaultFile
        /// Length of the file; 0 where it is not known.
        public var byteCount: UInt64
        /// Ordinals, ascending.
        public var targets: [Int]

        public init(file: VaultFile, byteCount: UInt64, targets: [Int]) {
            self.file = file
            self.byteCount = byteCount
            self.targets = targets
        }
    }

    /// Files in the order in which they must become durable (`ObjectKind.all`): packs, index runs,
    /// lines of the ledger, entries of the journal, tombstones, condemnations, recovery points, the
    /// vault record. A file comes after every file that it refers to.
    public var steps: [Step] = []
    /// Why replicas could not be listed, by ordinal.
    public var failures: [Int: KuraError] = [:]
    /// Per replica, by ordinal, packs that it has already and that a run of the plan will refer to.
    /// They may not be durable yet: a process may have died, or the replica failed, before their
    /// directory was flushed.
    var heldPacks: [Int: Set<PackID>] = [:]

    public init() {}

    public var isEmpty: Bool { steps.isEmpty }

    /// What one replica lacks.
    public func amount(for ordinal: Int) -> CopyAmount {
        steps.filter { $0.targets.contains(ordinal) }.reduce(into: CopyAmount()) { $0.add($1) }
    }
}

/// How much there is to copy to one replica, or was copied.
public struct CopyAmount: Sendable, Equatable {
    public var files = 0
    public var bytes: UInt64 = 0
    /// Of `files`, recovery points.
    public var points = 0

    public init() {}

    mutating func add(_ step: CopyPlan.Step) {
        files += 1
        bytes += step.byteCount
        if case .point = step.file { points += 1 }
    }
}

extension Vault {
    /// Compares the listings of `targets` with those of all replicas of the vault.
    ///
    /// - Parameters:
    ///   - targets: usable replicas of the vault, or ones that are being filled.
    ///   - everyPack: whether the packs of every run are looked for; else only those of runs that
    ///     the target lacks. A run is published after its packs, so the others are there unless a
    ///     file was lost; verification finds that.
    func copyPlan(
        to targets: [Replica], everyPack: Bool
    ) throws(KuraError) -> CopyPlan {
        var plan = CopyPlan()
        var contents: [TargetContent] = []
        for target in targets {
            do throws(IOError) {
                contents.append(try TargetContent(target, self))
            } catch {
                plan.failures[target.ordinal] = KuraError(io: error)
            }
        }
        let runs = try runsToCopy(contents, all: everyPack)
        try addPacks(of: runs, contents, everyPack: everyPack, to: &plan)
        for run in runs {
            plan.add(.run(run.id), byteCount: run.trailer.fileByteCount, to: contents) {
                !$0.holds(run: run.id)
            }
        }
        for kind in ObjectKind.all where kind.copying == .listed {
            let names = try kind.isMadeLate ? listIfPresent(kind.folder) : list(kind.folder)
            // A point that is dropped after this may be copied; the next session removes it.
            let hidden = kind.structure == .recoveryPoint ? try droppedPoints() : []
            for (name, holders) in names.sorted(by: { $0.key < $1.key }) {
                guard let file = kind.file(name) else { continue }
                if case .point(let id) = file, hidden.contains(id) { continue }
                plan.add(file, byteCount: size(of: file, holders), to: contents) {
                    !$0.holds(name, of: kind)
                }
            }
        }
        plan.add(.record, byteCount: UInt64(record.encoded().count), to: contents) {
            $0.needsRecord
        }
        return plan
    }

    /// Runs that some target lacks; superseded runs and runs without a good copy are left out. With
    /// `all` also those that every target has.
    private func runsToCopy(
        _ contents: [TargetContent], all: Bool
    ) throws(KuraError) -> [IndexRunReader] {
        let names = try list(Layout.index).keys.filter { RunID(hex: $0) != nil }
        let isBehind = names.contains { name in contents.contains { !$0.holds(name, of: .run) } }
        // Opening every run takes a while; when the listings agree there is nothing to open.
        guard isBehind || all else { return [] }
        let runs = try ChunkIndex.open(self).runs
        return all
            ? runs
            : runs.filter { run in
                contents.contains { !$0.holds(run: run.id) }
            }
    }

    private func addPacks(
        of runs: [IndexRunReader], _ contents: [TargetContent], everyPack: Bool,
        to plan: inout CopyPlan
    ) throws(KuraError) {
        var seen = Set<PackID>()
        for run in runs {
            let behind = contents.filter { everyPack || !$0.holds(run: run.id) }
            for pack in run.trailer.packs where seen.insert(pack.id).inserted {
                var lacking: [Int] = []
                for target in behind where plan.failures[target.replica.ordinal] == nil {
                    do throws(IOError) {
                        let ordinal = target.replica.ordinal
                        if try !target.holds(pack.id) {
                            lacking.append(ordinal)
                        } else if !target.holds(run: run.id) {
                            plan.heldPacks[ordinal, default: []].insert(pack.id)
                        }
                    } catch {
                        plan.failures[target.replica.ordinal] = KuraError(io: error)
                    }
                }
                guard !lacking.isEmpty else { continue }
                plan.steps.append(
                    CopyPlan.Step(
                        file: .pack(pack.id), byteCount: pack.fileByteCount, targets: lacking))
            }
        }
    }

    /// Length of a file in the first of `holders` whose status can be read; 0 where none can.
    func size(of file: VaultFile, _ holders: [Replica]) -> UInt64 {
        for holder in holders {
            do throws(IOError) {
                return try holder.store.status(file.name(in: id)).byteCount
            } catch {
                continue
            }
        }
        return 0
    }
}

extension CopyPlan {
    fileprivate mutating func add(
        _ file: VaultFile, byteCount: UInt64, to contents: [TargetContent],
        where lacks: (TargetContent) -> Bool
    ) {
        let targets = contents.filter { lacks($0) && failures[$0.replica.ordinal] == nil }
            .map(\.replica.ordinal)
        if !targets.isEmpty {
            steps.append(Step(file: file, byteCount: byteCount, targets: targets))
        }
    }
}

/// What one replica holds of a vault, by name. A missing folder has no names; one that cannot be
/// listed is an error.
private final class TargetContent {
    let replica: Replica
    private(set) var needsRecord = false
    private let vault: Vault
    /// Names by folder.
    private var names: [String: Set<String>] = [:]
    private var packs: [String: Set<String>] = [:]

    init(_ replica: Replica, _ vault: Vault) throws(IOError) {
        self.replica = replica
        self.vault = vault
        // In the opposite order of durability: so the listings never show a file without those
        // that it refers to, also while another process writes.
        for kind in ObjectKind.all.reversed()
        where kind.copying == .listed || kind.structure == .indexRun {
            names[kind.folder] = try names(in: kind.folder)
        }
        needsRecord = try lacksRecord()
    }

    private func names(in folder: String) throws(IOError) -> Set<String> {
        Set(try replica.store.namesIfPresent(in: Layout.vault(vault.id).folder(folder)))
    }

    func holds(_ name: String, of kind: ObjectKind) -> Bool {
        names[kind.folder]?.contains(name) ?? false
    }

    func holds(run id: RunID) -> Bool { holds(id.hex, of: .run) }

    func holds(_ pack: PackID) throws(IOError) -> Bool {
        let name = pack.hex
        let shard = String(name.prefix(2))
        if let known = packs[shard] { return known.contains(name) }
        let known = try names(in: "\(Layout.packs)/\(shard)")
        packs[shard] = known
        return known.contains(name)
    }

    /// Whether the vault record is missing, damaged, or older than the vault's.
    private func lacksRecord() throws(IOError) -> Bool {
        let bytes: [UInt8]
        do throws(IOError) {
            bytes = try replica.store.contents(
                VaultFile.record.name(in: vault.id), max: SealedRecord.byteCountMax)
        } catch {
            if error.isNotFound || error.isTooLong { return true }
            throw error
        }
        do {
            try VaultFile.record.check(bytes, vault.record)
            return false
        } catch FormatError.unsupportedVersion, FormatError.unsupportedFeature {
            // Written by a newer Kura: this one must not replace it.
            return false
        } catch {
            return true
        }
    }
}
