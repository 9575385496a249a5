internal import KuraFormat
internal import KuraIO
internal import KuraReplicas
internal import Synchronization

/// Publishes a vault's files in all its replicas at once: one thread a replica.
///
/// After a call that failed in a replica, this writer writes nothing more to that replica, because
/// the kernel may have lost what it had not written yet. The others go on while there are
/// `required` of them; each of those holds everything that was published so far.
///
/// One writer belongs to one session, whose id owns its drafts. Call `stop` at the end, also after
/// an error.
package final class ReplicaWriter: Sendable {
    let vault: Vault
    let session: UniqueID
    /// Fewest live replicas with which something may be acknowledged.
    let required: Int
    let lanes: [Lane]
    private let state: Mutex<State>

    struct Lane: Sendable {
        var replica: Replica
        var worker: SerialWorker
    }

    private struct State {
        /// Why replicas failed, by ordinal.
        var failures: [Int: KuraError]
        /// Nanoseconds that the replicas' threads spent writing and flushing, together.
        var busy: Int64 = 0
    }

    /// - Parameter failures: replicas that have failed before the start, by ordinal.
    init(_ vault: Vault, session: UniqueID, required: Int, failures: [Int: KuraError]) {
        self.vault = vault
        self.session = session
        self.required = required
        lanes = vault.replicas.map { Lane(replica: $0, worker: SerialWorker()) }
        state = Mutex(State(failures: failures))
    }

    func stop() {
        for lane in lanes { lane.worker.stop() }
    }

    /// Replicas that hold everything published so far.
    var live: [Replica] {
        let failed = failures
        return vault.replicas.filter { failed[$0.ordinal] == nil }
    }

    /// Why replicas failed, by ordinal.
    var failures: [Int: KuraError] { state.withLock { $0.failures } }

    /// Why too few replicas are left. Nothing may be committed once there is an error.
    var error: KuraError? {
        let failed = failures
        guard vault.replicas.count(where: { failed[$0.ordinal] == nil }) < required else {
            return nil
        }
        let reasons = failed.sorted { $0.key < $1.key }.map(\.value) + vault.problems
        return vault.tooFewReplicas(reasons, required: required)
    }

    var busyNanoseconds: Int64 { state.withLock { $0.busy } }

    /// Records that a replica failed; of several errors the first counts.
    func fail(_ ordinal: Int, _ error: KuraError) {
        state.withLock { $0.failures[ordinal] = $0.failures[ordinal] ?? error }
    }

    /// Starts publishing; `done` runs once, when every replica has finished or failed.
    /// - Parameter pieces: the file's bytes, in order. They must not change until `done` runs.
    func publish(
        _ pieces: [UnsafeRawBufferPointer], as file: VaultFile, done: @escaping @Sendable () -> Void
    ) {
        let pieces = SharedPieces(pieces)
        let left = Latch(lanes.count)
        for lane in lanes {
            lane.worker.submit { [self] in
                publish(pieces, as: file, in: lane.replica)
                if left.signal() { done() }
            }
        }
    }

    private func publish(_ pieces: SharedPieces, as file: VaultFile, in replica: Replica) {
        // With too few replicas nothing is acknowledged any more, so nothing more is written.
        guard failures[replica.ordinal] == nil, error == nil else { return }
        let start = Clock.steady()
        do throws(IOError) {
            _ = try replica.store.put(
                file.name(in: vault.id), pieces.pieces, condition: .content, by: session)
        } catch {
            fail(replica.ordinal, KuraError(io: error))
        }
        state.withLock { $0.busy += Clock.steady() - start }
    }

    /// Publishes a small file and returns when it is durable in every live replica.
    func publish(_ bytes: [UInt8], as file: VaultFile) throws(KuraError) {
        let done = Latch(1)
        bytes.withUnsafeBytes { raw in
            publish([raw], as: file) { done.signal() }
            done.wait()
        }
        if let error { throw error }
    }

    /// Waits until everything submitted so far is done.
    func drain() {
        for lane in lanes { lane.worker.drain() }
    }
}

/// Pointers that cross threads. `@unchecked Sendable`: the caller leaves the bytes as they are
/// until all replicas are done.
private struct SharedPieces: @unchecked Sendable {
    let pieces: [UnsafeRawBufferPointer]
    init(_ pieces: [UnsafeRawBufferPointer]) { self.pieces = pieces }
}
