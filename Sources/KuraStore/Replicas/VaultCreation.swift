public import KuraFormat
public import KuraIO
internal import KuraLog
internal import KuraReplicas
public import KuraSeal

/// What a new vault is to be.
public struct NewVault: Sendable {
    public var name: String
    public var pair: UniqueID?
    public var redundancy: Redundancy
    /// Replicas of a region that hold it: 1...the region's.
    public var copies: UInt8
    /// Replicas that must be whole before a point is acknowledged: 1...`copies`.
    public var minCopies: UInt8
    public var chunker: ChunkerKind
    /// A power of two in `VaultRecord.chunkBytesMeanRange`.
    public var chunkBytesMean: UInt32
    public var macKey: MACKey?

    public init(
        name: String, pair: UniqueID? = nil, redundancy: Redundancy, copies: UInt8,
        minCopies: UInt8, chunker: ChunkerKind = .gearTail, chunkBytesMean: UInt32,
        macKey: MACKey?
    ) {
        self.name = name
        self.pair = pair
        self.redundancy = redundancy
        self.copies = copies
        self.minCopies = minCopies
        self.chunker = chunker
        self.chunkBytesMean = chunkBytesMean
        self.macKey = macKey
    }
}

extension Vault {
    /// Creates a vault with a log in the first `copies` replicas of a region, durably. Its id is
    /// made of its first record, which the root key signs and which admits the region's key.
    ///
    /// If power fails before it returns, there may be a folder that is no vault, or the vault in
    /// some of its replicas, which catch up.
    /// - Parameters:
    ///   - region: opened with a key that signs; that is the key of the home.
    ///   - root: admits and removes keys from here on: its owner is the owner of the vault.
    ///   - keyName: names the home's key for people.
    public static func create(
        _ new: NewVault, in region: Region, root: SigningKey, keyName: String
    ) throws(KuraError) -> Vault {
        guard let access = region.access, let key = access.key else {
            throw KuraError(.refused, "a vault cannot be created without a key that signs")
        }
        let replicas = region.replicas.prefix(Int(new.copies))
        for replica in replicas {
            if let problem = region.problems[replica.ordinal] { throw problem }
        }
        let members = try withKuraErrors {
            try replicas.map { try LogReplica.recordedIdentity($0.store) }
        }
        let features = [Feature.log, Feature.sha256, Feature.zstd, new.chunker.rawValue]
        let settings = VaultBody(
            requiredFeatures: features, name: new.name, region: region.id, pair: new.pair,
            redundancy: new.redundancy, copies: new.copies, minCopies: new.minCopies,
            chunker: new.chunker, chunkBytesMean: new.chunkBytesMean,
            rootKey: root.publicKey.stored, macKey: new.macKey)
        let bodies: [LogBody] = [
            .vault(settings), .members(MembersBody(region: region.id, replicas: members)),
            .key(KeyBody(key: key.publicKey.stored, rights: .all, name: keyName)),
        ]
        let draft = access.record(
            "vault create", bodies, after: LogTip(state: VaultState(), position: .start),
            at: region.clock.now())
        let session = UniqueID.random()
        let created = try LogCreation(
            signer: root, verifier: SealVerifier(), LogSurroundings(region.waits, region.clock)
        ).create(
            draft, in: replicas.map(\.store), required: replicas.count, session: session
        ) { store, vault throws(IOError) in
            try store.prepare(vault: vault)
        }
        let id = created.seal.vault
        // Last: what has it is a vault.
        let identity = VaultIdentity(id: id, requiredFeatures: features).encoded()
        try withKuraErrors {
            for replica in replicas {
                try replica.store.put(
                    VaultFile.record.name(in: id), identity, condition: .replacing, by: session)
            }
        }
        let log = try region.logs.log(of: id, in: region)
        return Vault(region: region, record: try log.state().record(created: log.created))
    }
}
