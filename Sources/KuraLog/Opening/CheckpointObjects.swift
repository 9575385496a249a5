internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// What one replica has of checkpoints. Nothing that is read here is checked but its name: a
/// checkpoint counts only when a record names it.
extension LogReplica {
    private static let rootBytesMax = SealedRecord.byteCountMax

    /// The bytes of the hint; nil where there is none that can be read.
    func hint() -> [UInt8]? { contents(names.hint) }

    /// The bytes of a root; nil where it cannot be read.
    func root(of checkpoint: CheckpointBody) -> [UInt8]? { contents(names.root(of: checkpoint)) }

    /// The bytes of a page; nil where it cannot be read.
    func page(_ name: Digest) -> [UInt8]? { contents(names.page(name)) }

    private func contents(_ name: StoreName) -> [UInt8]? {
        do throws(IOError) {
            return try store.contents(name, max: Self.rootBytesMax)
        } catch {
            return nil
        }
    }

    /// Puts a checkpoint: pages before the root. Durable on return.
    func put(_ checkpoint: Checkpoint) throws(KuraError) {
        try withKuraErrors {
            for folder in [names.checkpoints, names.pages] { try store.prepare(folder) }
        }
        for (name, bytes) in checkpoint.pages.sorted(by: { $0.key < $1.key }) {
            try putWhole(names.page(name), bytes)
        }
        try putWhole(names.root(of: checkpoint.body), checkpoint.root)
    }

    /// A damaged object of this name gives way: its name says what has to be in it.
    private func putWhole(_ name: StoreName, _ bytes: [UInt8]) throws(KuraError) {
        switch put(name, bytes) {
        case .took: return
        case .stands(let other) where other == bytes: return
        case .stands, .removed: try replace(name, bytes)
        case .silent(let error): throw KuraError(io: error)
        }
    }

    /// Says where a recent checkpoint is. Nothing depends on it, so an error is none.
    func putHint(_ checkpoint: CheckpointBody) {
        let hint = CheckpointHint(vault: names.vault, checkpoint: checkpoint)
        do throws(KuraError) {
            try replace(names.hint, hint.encoded())
        } catch {
            return
        }
    }
}

/// Pages from the first replica that has a good copy.
struct ReplicaPages: PageSource {
    let replicas: [LogReplica]

    func page(_ name: Digest) throws(KuraError) -> [UInt8] {
        for replica in replicas {
            guard let bytes = replica.page(name) else { continue }
            do throws(FormatError) {
                if try StatePage.decode(bytes).name == name { return bytes }
            } catch {
                // Another replica may have a good one.
                continue
            }
        }
        throw KuraError(
            .absent, "page \(name.short) of a checkpoint is in no replica",
            remedy: .advice("make the other replicas reachable"))
    }
}
