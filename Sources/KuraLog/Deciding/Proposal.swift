package import KuraFormat

/// What a program wants to commit.
package struct Proposal: Sendable {
    /// Vault, number, salt and the digest of the record before it are filled in for each attempt.
    package var record: LogRecord
    /// In how many members it has to be whole before it is acknowledged; at least 1.
    package var required: Int
    /// Ids of the replicas that have every object that the record adds to what the state needs, as
    /// read after the objects were put; nil where it adds none.
    package var holders: Set<UniqueID>?

    package init(_ record: LogRecord, required: Int, holders: Set<UniqueID>? = nil) {
        self.record = record
        self.required = required
        self.holders = holders
    }
}

/// A record that was decided as it was proposed.
package struct Commit: Equatable, Sendable {
    package var position: LogPosition
    /// Ids of the members that were whole to this record after it was decided.
    package var copies: Set<UniqueID>
    package var required: Int
    /// Ids of members that do not have a record any more that they were seen to have. They have no
    /// vote, and need new ids.
    package var setBack: Set<UniqueID> = []

    /// Whether the caller may tell that it is done. Otherwise it is decided, and in too few copies
    /// yet: catching up makes more.
    package var isAcknowledged: Bool { copies.count >= required }
}
