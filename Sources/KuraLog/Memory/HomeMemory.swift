package import KuraFormat

/// What a home keeps of the log of one vault in one region: the newest decided record that it saw.
///
/// Who writes all replicas of a region can set them back together, and every signature in them
/// is right. Only what was remembered elsewhere tells.
package struct HomeMemory: Equatable, Sendable {
    package let vault: UniqueID
    package let region: UniqueID
    /// Number of failovers.
    package private(set) var epoch: UInt64
    package private(set) var position: LogPosition

    package init(vault: UniqueID, region: UniqueID, epoch: UInt64, position: LogPosition) {
        self.vault = vault
        self.region = region
        self.epoch = epoch
        self.position = position
    }

    /// A chain of records that replicas show.
    package struct Chain: Sendable {
        package var epoch: UInt64
        package var tip: LogPosition
        /// Digest of the record of the chain with the remembered number; nil where it is behind the
        /// tip, or could not be read.
        package var digest: Digest?
        /// Number of the failover that made the epoch behind the remembered one; nil where there
        /// was none, or it could not be read.
        package var failover: UInt64?
        /// Branches that the chain adopted.
        package var adopted: [BranchEntry]
        /// Digest of the record of an adopted branch with the remembered number, followed back from
        /// its tip; nil where no replica has the branch any longer.
        package var branchDigest: Digest?

        package init(
            epoch: UInt64, tip: LogPosition, digest: Digest?, failover: UInt64? = nil,
            adopted: [BranchEntry] = [], branchDigest: Digest? = nil
        ) {
            self.epoch = epoch
            self.tip = tip
            self.digest = digest
            self.failover = failover
            self.adopted = adopted
            self.branchDigest = branchDigest
        }
    }

    /// What a chain is, beside the memory.
    package enum Finding: Equatable, Sendable {
        case equal
        case longer(by: UInt64)
        /// It ends before the remembered record: the replicas that were read are behind, or all
        /// were set back.
        case shorter(by: UInt64)
        /// It has another record of the remembered number.
        case forked(shown: Digest)
        /// The remembered record is on a branch that a failover left behind and a record adopted.
        case adopted(BranchEntry)
        /// The remembered record is on a branch that a failover left behind, and that waits for its
        /// adoption. `first`: number of the first record that only the branch has.
        case leftBehind(first: UInt64)
        /// The chain reaches behind the remembered number, and its record of it could not be read.
        case unread

        /// Whether a program may read and write what the chain says.
        package var isBelieved: Bool {
            switch self {
            case .equal, .longer, .adopted, .leftBehind: true
            case .shorter, .forked, .unread: false
            }
        }

        /// Whether the memory should go on with the chain.
        package var isToBeLearned: Bool {
            switch self {
            case .longer, .adopted: true
            case .equal, .shorter, .forked, .leftBehind, .unread: false
            }
        }
    }

    /// Compares a chain whose signatures are right with what is remembered.
    package func compare(_ chain: Chain) -> Finding {
        if chain.tip == position { return .equal }
        let shown = chain.tip.number == position.number ? chain.tip.digest : chain.digest
        if chain.tip.number >= position.number {
            guard let shown else { return .unread }
            if shown == position.digest {
                return .longer(by: chain.tip.number - position.number)
            }
        }
        return left(by: chain)
            ?? shown.map { .forked(shown: $0) }
            ?? .shorter(by: position.number - chain.tip.number)
    }

    /// Where a failover explains why the chain has not the remembered record.
    private func left(by chain: Chain) -> Finding? {
        guard chain.epoch > epoch, let failover = chain.failover, failover <= position.number else {
            return nil
        }
        let branch = chain.adopted.first { branch in
            guard branch.first == failover, branch.tip.number >= position.number else {
                return false
            }
            let digest =
                branch.tip.number == position.number ? branch.tip.digest : chain.branchDigest
            return digest == position.digest
        }
        return branch.map { .adopted($0) } ?? .leftBehind(first: failover)
    }

    /// Goes on to a newer record of a chain that was compared.
    package mutating func learn(epoch: UInt64, position: LogPosition) {
        let isNewer = (epoch, position.number) > (self.epoch, self.position.number)
        guard isNewer else { return }
        self.epoch = epoch
        self.position = position
    }

    /// Takes another chain for the true one: what a person accepted.
    package mutating func accept(epoch: UInt64, position: LogPosition) {
        self.epoch = epoch
        self.position = position
    }
}
