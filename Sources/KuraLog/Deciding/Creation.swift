package import KuraFormat
package import KuraIO
package import KuraReplicas

/// The first record of a log, which makes the vault.
///
/// Its digest names the vault, so no other writer can want another record 1. If power fails there
/// is a folder of a vault that nothing names.
package struct LogCreation: Sendable {
    /// What was made.
    package struct Created: Sendable {
        package var seal: LogSeal
        package var record: LogRecord.Encoded
        /// The replicas that are whole to record 1.
        package var replicas: [LogReplica]
    }

    let signer: any LogSigner
    let verifier: any LogVerifier
    let surroundings: LogSurroundings

    package init(
        signer: any LogSigner, verifier: any LogVerifier, _ surroundings: LogSurroundings
    ) {
        self.signer = signer
        self.verifier = verifier
        self.surroundings = surroundings
    }

    /// - Parameters:
    ///   - draft: record 1; its salt is made here.
    ///   - stores: those of its members.
    ///   - required: in how many of them it has to be.
    ///   - prepare: makes a store ready to take objects of the vault.
    package func create(
        _ draft: LogRecord, in stores: [any Store], required: Int, session: UniqueID,
        identify: @escaping LogReplica.Identify = LogReplica.recordedIdentity,
        prepare: @Sendable (any Store, UniqueID) throws(IOError) -> Void
    ) throws(KuraError) -> Created {
        var first = draft
        first.salt = .random()
        let record = try LogSeal.sign(first, with: signer)
        let seal = LogSeal(vault: record.vault, signer: signer, verifier: verifier)
        let decided = seal.decided(record).encoded()
        let results = surroundings.map(stores.count) { index -> Result<LogReplica, KuraError> in
            do {
                try prepare(stores[index], record.vault)
                let replica = try LogReplica(
                    stores[index], vault: record.vault, session: session, identify: identify)
                try replica.prepare()
                if case .silent(let error) = replica.put(replica.names.log(1), decided) {
                    return .failure(KuraError(io: error))
                }
                try replica.putMark(record.position, seal, at: surroundings.now())
                return .success(replica)
            } catch {
                return .failure(KuraError(error))
            }
        }
        var replicas: [LogReplica] = []
        var failure: KuraError?
        for result in results {
            switch result {
            case .success(let replica): replicas.append(replica)
            case .failure(let error): failure = failure ?? error
            }
        }
        if replicas.count < required, let failure { throw failure }
        return Created(seal: seal, record: record, replicas: replicas)
    }
}
