package import KuraFormat
internal import KuraIO

/// What a record must hold against the state before it. A record that breaks a rule changes
/// nothing: it is the cause of the `KuraError` that is thrown.
package enum StateRule: Error, Equatable, Sendable {
    // The chain.
    case otherVault
    case number(expected: UInt64)
    case previous
    case epoch(expected: UInt64)
    case firstRecord(String)

    // Who may sign.
    case signer
    case right(String)

    // Settings of the vault.
    case fixedSetting(String)
    case pair
    case featureRemoved(String)
    case deletedVault
    case settingDiffers(subject: String)

    // Members, regions.
    case otherRegion(UniqueID)
    case replicaOfOtherRegion(UniqueID)
    case noMembers(UniqueID)
    case secondFailover
    case activeAlready
    case branchPoint
    case noFailover
    case branchBehind
    case adoptedAlready(number: UInt64)

    // Recovery points.
    case unknownPoint(RecoveryPointID)
    case pointExists(RecoveryPointID)
    case pointOfOtherVault(RecoveryPointID)
    case itemName
    case dropped(RecoveryPointID)
    case notDropped(RecoveryPointID)
    case held(RecoveryPointID)
    case heldAlready(RecoveryPointID, String)
    case noSuchHold(RecoveryPointID, String)
    case tooManyHolds(RecoveryPointID)

    // Runs, packs, lost objects.
    case runExists(RunID)
    case runNotLive(RunID)
    case condemned(PackID)
    case notCondemned(PackID)
    case condemnedElsewhere(PackID, record: UInt64)
    case swept(PackID)
    case noSuchSweep(UInt64)
    case lostAlready(Digest)

    // Keys.
    case unusableKey(KeyID)
    case keyNotByRoot(KeyID)
    case unknownKey(KeyID)
    case tooManyKeys
    case rekeyNotByRoot(KeyID)

    // Checkpoints and positions.
    case notBefore(UInt64)
    case checkpointDiffers(number: UInt64)
    case otherPosition(number: UInt64)

    /// An entry that fits in no page.
    case tooLarge
}

extension StateRule: CustomStringConvertible {
    package var description: String {
        switch self {
        case .otherVault: "it is of another vault"
        case .number(let expected): "record \(expected) comes next"
        case .previous: "it does not follow the record before it"
        case .epoch(let expected): "the epoch is \(expected)"
        case .firstRecord(let what): "a first record \(what)"
        case .signer: "its signer is not admitted"
        case .right(let right): "its signer may not do this: it takes the right \"\(right)\""
        case .fixedSetting(let name): "\(name) of a vault never changes"
        case .pair: "pair, redundancy and active region do not fit together"
        case .featureRemoved(let feature): "the vault needs \(feature)"
        case .deletedVault: "the vault is deleted"
        case .settingDiffers(let subject): "\(subject) was changed since"
        default: objectDescription
        }
    }

    private var objectDescription: String {
        switch self {
        case .otherRegion(let region): "\(region) is no region of the vault"
        case .replicaOfOtherRegion(let replica): "the replica \(replica) is of another region"
        case .noMembers(let region): "the region \(region) has no members"
        case .secondFailover: "a record fails over once"
        case .activeAlready: "the region is active already"
        case .branchPoint: "a failover branches off at the record before it"
        case .noFailover: "there was no failover"
        case .branchBehind: "the branch is no branch of this chain"
        case .adoptedAlready(let number): "the branch that ends with record \(number) is adopted"
        case .unknownPoint(let id): "there is no recovery point \(id.short); it may be forgotten"
        case .pointExists(let id): "the recovery point \(id.short) is there already"
        case .pointOfOtherVault(let id): "the recovery point \(id.short) is of another vault"
        case .itemName: "the name of the item has a zero byte in it"
        case .dropped(let id): "the recovery point \(id.short) is dropped already"
        case .notDropped(let id): "the recovery point \(id.short) is not dropped"
        case .held(let id): "the recovery point \(id.short) is held"
        case .heldAlready(let id, let name): "the recovery point \(id.short) has the hold \(name)"
        case .noSuchHold(let id, let name): "the recovery point \(id.short) has no hold \(name)"
        case .tooManyHolds(let id): "the recovery point \(id.short) has too many holds"
        case .runExists(let id): "the index run \(id.short) is live already"
        case .runNotLive(let id): "the index run \(id.short) is not live"
        case .condemned(let id): "the pack \(id.short) is condemned already"
        case .notCondemned(let id): "the pack \(id.short) is not condemned, or was spared"
        case .condemnedElsewhere(let id, let record):
            "the pack \(id.short) was condemned by record \(record)"
        case .swept(let id): "the pack \(id.short) is swept"
        case .noSuchSweep(let number): "record \(number) swept nothing that is still to be deleted"
        case .lostAlready(let id): "\(id.short) is lost already"
        default: keyDescription
        }
    }

    private var keyDescription: String {
        switch self {
        case .unusableKey(let id): "the key \(id) is no usable key"
        case .keyNotByRoot(let id): "the root key did not sign for the key \(id)"
        case .unknownKey(let id): "the key \(id) is not admitted"
        case .tooManyKeys: "the vault has too many keys"
        case .rekeyNotByRoot(let id): "the root key did not sign for the new root key \(id)"
        case .notBefore(let number): "record \(number) does not come before it"
        case .checkpointDiffers(let number): "the checkpoint of record \(number) is another"
        case .otherPosition(let number): "record \(number) is another in this chain"
        case .tooLarge: "it leaves more behind than fits in a page of a checkpoint"
        default: "it breaks a rule"
        }
    }
}

/// A record that was refused.
package struct Refusal: Error, Equatable, Sendable {
    /// Number of the record.
    package var record: UInt64
    /// Index of the body; nil where it is the record as a whole.
    package var body: Int?
    package var rule: StateRule

    package init(record: UInt64, body: Int?, rule: StateRule) {
        self.record = record
        self.body = body
        self.rule = rule
    }

    var error: KuraError {
        let place = body.map { ", body \($0 + 1)" } ?? ""
        return KuraError(
            .damaged, "record \(record)\(place) of the log cannot be followed: \(rule)",
            cause: self)
    }
}
