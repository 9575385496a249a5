internal import KuraFormat
internal import KuraIO
internal import Synchronization
internal import SystemPackage

/// Publishes a vault's files in all its replicas at once: one thread a replica.
///
/// One writer belongs to one session, whose id makes its temporary names unique. Call `stop` at the
/// end, whatever happened.
final class ReplicaWriter: Sendable {
    let vault: Vault
    let session: UniqueID
    private let workers: [SerialWorker]
    private let state = Mutex(State())

    private struct State {
        var counter = 0
        var error: StoreError?
        /// Nanoseconds that the replicas' threads spent writing and flushing, together.
        var busy: Int64 = 0
    }

    init(_ vault: Vault, session: UniqueID) {
        self.vault = vault
        self.session = session
        workers = vault.replicas.map { _ in SerialWorker() }
    }

    func stop() {
        for worker in workers { worker.stop() }
    }

    /// First error of any replica. Nothing may be committed once there is one.
    var error: StoreError? { state.withLock { $0.error } }

    var busyNanoseconds: Int64 { state.withLock { $0.busy } }

    /// Starts publishing; `done` runs once, when every replica has finished or failed.
    /// - Parameter pieces: memory that stays as it is until `done` runs.
    func publish(
        _ pieces: [UnsafeRawBufferPointer], as file: VaultFile, done: @escaping @Sendable () -> Void
    ) {
        let pieces = SharedPieces(pieces)
        let left = Latch(vault.replicas.count)
        for (worker, replica) in zip(workers, vault.replicas) {
            worker.submit { [self] in
                let start = Clock.steady()
                do throws(IOError) {
                    // After an error nothing more is acknowledged, so nothing more is written.
                    if error == nil {
                        try vault.fileSystem.publish(
                            pieces.pieces, as: replica.path(of: file, in: vault.id),
                            temporary: temporaryName(in: replica))
                    }
                } catch {
                    state.withLock { $0.error = $0.error ?? StoreError(io: error) }
                }
                state.withLock { $0.busy += Clock.steady() - start }
                if left.signal() { done() }
            }
        }
    }

    /// Publishes a small file and returns when it is durable in every replica.
    func publish(_ bytes: [UInt8], as file: VaultFile) throws(StoreError) {
        let done = Latch(1)
        bytes.withUnsafeBytes { raw in
            publish([raw], as: file) { done.signal() }
            done.wait()
        }
        if let error { throw error }
    }

    /// Waits until everything submitted so far is done.
    func drain() {
        for worker in workers { worker.drain() }
    }

    private func temporaryName(in replica: Replica) -> FilePath {
        let number = state.withLock { state in
            state.counter += 1
            return state.counter
        }
        return replica.vaultPath(vault.id).appending(Layout.temporary)
            .appending("\(session.hex)-\(number)")
    }
}

/// Pointers that cross threads. `@unchecked Sendable`: nobody writes behind them until all are done.
private struct SharedPieces: @unchecked Sendable {
    let pieces: [UnsafeRawBufferPointer]
    init(_ pieces: [UnsafeRawBufferPointer]) { self.pieces = pieces }
}
