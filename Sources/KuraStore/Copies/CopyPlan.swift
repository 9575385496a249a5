internal import KuraFormat
public import KuraIO
internal import SystemPackage

/// What some replicas lack of a vault: a value that can be looked at before anything is copied.
///
/// The union of all replicas is the truth, so the plan only ever adds. What one replica lacks, in
/// any state and of any age, is never a reason to take anything away from another.
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

    /// Files in the order in which they must become durable: packs, index runs, lines of the ledger,
    /// tombstones, condemnations, recovery points, the vault record. Whatever refers to something comes after it.
    public var steps: [Step] = []
    /// Replicas that could not be looked at, by ordinal.
    public var failures: [Int: KuraError] = [:]
    /// Packs that are there already and that a run of the plan will refer to, by ordinal. They may be
    /// the work of a process that died, or of a replica that failed, before their directory was
    /// flushed.
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
    ///   - everyPack: whether the packs of every run are looked for; otherwise those of runs that
    ///     the target lacks. A run is published after its packs, so the others are there unless a
    ///     file was lost, which is for `verify` to find.
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
            plan.add(.run(run.id), run.trailer.fileByteCount, contents) {
                !$0.runs.contains(run.id.hex)
            }
        }
        for (name, holders) in try listIfPresent(Layout.repairs).sorted(by: { $0.key < $1.key }) {
            guard let id = RepairID(hex: name) else { continue }
            plan.add(.repair(id), size(of: .repair(id), holders), contents) {
                !$0.repairs.contains(name)
            }
        }
        for (name, holders) in try listIfPresent(Layout.journal).sorted(by: { $0.key < $1.key }) {
            guard let id = JournalID(hex: name) else { continue }
            plan.add(.journal(id), size(of: .journal(id), holders), contents) {
                !$0.journal.contains(name)
            }
        }
        for (name, holders) in try listIfPresent(Layout.dropped).sorted(by: { $0.key < $1.key }) {
            guard let id = RecoveryPointID(hex: name) else { continue }
            plan.add(.dropped(id), size(of: .dropped(id), holders), contents) {
                !$0.dropped.contains(name)
            }
        }
        for (name, holders) in try listIfPresent(Layout.condemned).sorted(by: { $0.key < $1.key }) {
            guard let id = UniqueID(hex: name) else { continue }
            plan.add(.condemned(id), size(of: .condemned(id), holders), contents) {
                !$0.condemned.contains(name)
            }
        }
        let dropped = try droppedPoints()
        for (name, holders) in try list(Layout.points).sorted(by: { $0.key < $1.key }) {
            guard let id = RecoveryPointID(hex: name), !dropped.contains(id) else { continue }
            plan.add(.point(id), size(of: .point(id), holders), contents) {
                !$0.points.contains(name)
            }
        }
        plan.add(.record, UInt64(record.encoded().count), contents) { $0.needsRecord }
        return plan
    }

    /// Runs that some target lacks; runs that others superseded and runs without a good copy are
    /// left out. With `all` also those that every target has.
    private func runsToCopy(
        _ contents: [TargetContent], all: Bool
    ) throws(KuraError) -> [IndexRunReader] {
        let names = try list(Layout.index).keys.filter { RunID(hex: $0) != nil }
        let isBehind = names.contains { name in contents.contains { !$0.runs.contains(name) } }
        // Opening every run takes a while; when the listings agree there is nothing to open.
        guard isBehind || all else { return [] }
        let runs = try ChunkIndex.open(self).runs
        return all ? runs : runs.filter { run in
            contents.contains { !$0.runs.contains(run.id.hex) }
        }
    }

    private func addPacks(
        of runs: [IndexRunReader], _ contents: [TargetContent], everyPack: Bool,
        to plan: inout CopyPlan
    ) throws(KuraError) {
        var seen = Set<PackID>()
        for run in runs {
            let behind = contents.filter { everyPack || !$0.runs.contains(run.id.hex) }
            for pack in run.trailer.packs where seen.insert(pack.id).inserted {
                var lacking: [Int] = []
                for target in behind where plan.failures[target.replica.ordinal] == nil {
                    do throws(IOError) {
                        let ordinal = target.replica.ordinal
                        if try !target.holds(pack.id) {
                            lacking.append(ordinal)
                        } else if !target.runs.contains(run.id.hex) {
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

    /// Length of a file in the first of `holders` that tells; 0 where none does.
    func size(of file: VaultFile, _ holders: [Replica]) -> UInt64 {
        for holder in holders {
            do throws(IOError) {
                return try fileSystem.status(holder.path(of: file, in: id)).byteCount
            } catch {
                continue
            }
        }
        return 0
    }
}

extension CopyPlan {
    fileprivate mutating func add(
        _ file: VaultFile, _ byteCount: UInt64, _ contents: [TargetContent],
        where lacks: (TargetContent) -> Bool
    ) {
        let targets = contents.filter { lacks($0) && failures[$0.replica.ordinal] == nil }
            .map(\.replica.ordinal)
        if !targets.isEmpty {
            steps.append(Step(file: file, byteCount: byteCount, targets: targets))
        }
    }
}

/// What one replica holds of a vault, by name. A directory that is known not to be there is empty;
/// one that cannot be read is an error.
private final class TargetContent {
    let replica: Replica
    private(set) var points: Set<String> = []
    private(set) var runs: Set<String> = []
    private(set) var repairs: Set<String> = []
    private(set) var journal: Set<String> = []
    private(set) var dropped: Set<String> = []
    private(set) var condemned: Set<String> = []
    private(set) var needsRecord = false
    private let vault: Vault
    private var packs: [String: Set<String>] = [:]

    init(_ replica: Replica, _ vault: Vault) throws(IOError) {
        self.replica = replica
        self.vault = vault
        points = try names(in: Layout.points)
        runs = try names(in: Layout.index)
        repairs = try names(in: Layout.repairs)
        journal = try names(in: Layout.journal)
        dropped = try names(in: Layout.dropped)
        condemned = try names(in: Layout.condemned)
        needsRecord = try lacksRecord()
    }

    private func names(in directory: String) throws(IOError) -> Set<String> {
        do throws(IOError) {
            let path = replica.path(of: directory, in: vault.id)
            return Set(try vault.fileSystem.list(path))
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
    }

    func holds(_ pack: PackID) throws(IOError) -> Bool {
        let name = pack.hex
        let directory = String(name.prefix(2))
        if let known = packs[directory] { return known.contains(name) }
        let known = try names(in: "\(Layout.packs)/\(directory)")
        packs[directory] = known
        return known.contains(name)
    }

    /// Whether the vault record is missing, damaged, or older than the vault's.
    private func lacksRecord() throws(IOError) -> Bool {
        let bytes: [UInt8]
        do throws(IOError) {
            bytes = try vault.fileSystem.contents(
                replica.path(of: .record, in: vault.id), max: SealedRecord.byteCountMax)
        } catch {
            if error.isNotFound || error.errno == .fileTooLarge { return true }
            throw error
        }
        do {
            try FileCheck.check(bytes, .record, vault)
            return false
        } catch FormatError.unsupportedVersion, FormatError.unsupportedFeature {
            // Written by a newer Kura: not ours to replace.
            return false
        } catch {
            return true
        }
    }
}
