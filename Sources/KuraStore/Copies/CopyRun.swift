internal import KuraFormat
public import KuraIO
public import KuraReplicas
internal import Synchronization

/// What copying did, per target.
public struct CopyReport: Sendable {
    /// What was copied, by ordinal of the target.
    public var copied: [Int: CopyAmount] = [:]
    /// Why targets failed, by ordinal.
    public var failures: [Int: KuraError] = [:]
    /// Files without any good copy; they were left out.
    public var lost: [VaultFile] = []

    public init() {}
}

/// Carries out a `CopyPlan` inside a session.
///
/// Each file is read once from a replica with a good copy (a pack also from several, frame by
/// frame), checked whole, and published in the targets. What is on disk if power fails at any time:
/// some more complete files, in the order of the plan, so no file refers to a missing one unless
/// that is lost everywhere; planning again gives what is left. After a call that failed in a target
/// nothing more is written to it. Memory: one pack for each thread.
final class CopyRun: Sendable {
    private let vault: Vault
    private let targets: [Int: Replica]
    /// Owner of the drafts.
    private let session: UniqueID
    private let progress: Progress
    private let cancellation: Cancellation
    private let state: Mutex<CopyReport>

    private static let threads = 2

    init(
        _ vault: Vault, to targets: [Replica], _ session: UniqueID, progress: Progress,
        cancellation: Cancellation
    ) {
        self.vault = vault
        self.targets = Dictionary(uniqueKeysWithValues: targets.map { ($0.ordinal, $0) })
        self.session = session
        self.progress = progress
        self.cancellation = cancellation
        state = Mutex(CopyReport())
    }

    func run(_ plan: CopyPlan) throws(KuraError) -> CopyReport {
        state.withLock { $0.failures = plan.failures }
        progress.update { $0.totalBytes += plan.steps.reduce(0) { $0 + $1.byteCount } }
        let late = Set(plan.steps.map(\.file.kind).filter(\.isMadeLate).map(\.folder)).sorted()
        for ordinal in Set(plan.steps.flatMap(\.targets)) {
            attempt(ordinal) { (target) throws(IOError) in
                try target.store.prepare(vault: vault.id)
                let folder = Layout.vault(vault.id)
                for name in late { try target.store.prepare(folder.folder(name)) }
            }
        }
        let packs = plan.steps.filter { $0.isPack }
        let next = Atomic<Int>(0)
        let threads = vault.budget.threads(
            waiting: Self.threads, eachHolding: Tuning.dataPackBytes)
        Threads.run(min(threads, max(1, packs.count))) { [self] _ in
            while !cancellation.isCancelled {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < packs.count else { break }
                copy(packs[number])
            }
        }
        for (ordinal, packs) in plan.heldPacks {
            attempt(ordinal) { (target) throws(IOError) in
                try target.store.makeDurable(
                    packs.map { VaultFile.pack($0).name(in: vault.id) })
            }
        }
        for step in plan.steps where !step.isPack && !cancellation.isCancelled { copy(step) }
        if cancellation.isCancelled { throw .interruptedByUser }
        return state.withLock { $0 }
    }

    private func copy(_ step: CopyPlan.Step) {
        let left = step.targets.filter { ordinal in
            state.withLock { $0.failures[ordinal] == nil }
        }
        guard !left.isEmpty else { return }
        let copy: SoundCopy
        do throws(KuraError) {
            copy = try vault.soundCopy(of: step.file, mayBeAbsent: true)
        } catch {
            state.withLock { $0.lost.append(step.file) }
            return
        }
        for ordinal in left {
            attempt(ordinal) { (target) throws(IOError) in
                try copy.publish(
                    step.file, in: target, step.file == .record ? .replacing : .content,
                    by: session)
                state.withLock { $0.copied[ordinal, default: CopyAmount()].add(step) }
                if case .point(let id) = step.file {
                    // A receipt that cannot be written now is written by the next replication.
                    _ = vault.writeReceipts(
                        of: id, in: [target], arrival: .catchUp, session: session)
                }
            }
        }
        progress.update { $0.doneBytes += step.byteCount }
    }

    /// Runs `body` for a target that has not failed; when it throws, the target fails.
    private func attempt(_ ordinal: Int, _ body: (Replica) throws(IOError) -> Void) {
        guard let target = targets[ordinal], state.withLock({ $0.failures[ordinal] == nil }) else {
            return
        }
        do throws(IOError) {
            try body(target)
        } catch {
            state.withLock { $0.failures[ordinal] = KuraError(io: error) }
        }
    }
}

extension CopyPlan.Step {
    var isPack: Bool { if case .pack = file { true } else { false } }
}
