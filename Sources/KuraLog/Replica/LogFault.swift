package import KuraFormat
package import KuraIO

/// What is wrong with a log, where a caller may want to do something about it. It is the cause of
/// the `KuraError` that is thrown.
package enum LogFault: Error, Equatable, Sendable {
    /// Two records are decided as one number.
    case forked(number: UInt64, Side, Side)
    /// The log ends before a record that this program remembers, although a majority of its
    /// replicas could be read.
    case rolledBack(remembered: LogPosition, found: UInt64)
    /// No majority took part, so it is not known what is decided as this number. A record that was
    /// proposed may still be decided, by any writer that comes next.
    case undecided(number: UInt64, proposed: Digest, reached: Int, needed: Int)
    /// The members that the newest record names do not hold the log yet, so nothing is proposed.
    case membersBehind(number: UInt64, reached: Int, needed: Int)
    /// A replica does not have a record any more that it was seen to have. It needs a new id.
    case setBack(replica: UniqueID, place: String, seen: LogPosition)
    /// Too few members have what a proposed record needs.
    case tooFewHolders(has: Int, needed: Int)
    /// The key that signs is not one whose records count.
    case notAdmitted(KeyID)

    /// One of two records that contradict each other.
    package struct Side: Equatable, Sendable {
        package var digest: Digest
        /// Where it was read, for people; nil where it is only remembered.
        package var place: String?

        package init(_ digest: Digest, at place: String?) {
            self.digest = digest
            self.place = place
        }

        var words: String { digest.short + (place.map { " in \($0)" } ?? " as remembered") }
    }
}

extension LogFault {
    /// The error for callers.
    package var error: KuraError {
        switch self {
        case .forked(let number, let one, let other):
            KuraError(
                .damaged,
                "the log is forked: record \(number) is \(one.words) and \(other.words)",
                cause: self)
        case .rolledBack(let remembered, let found):
            KuraError(
                .absent,
                "the log ends with record \(found), but record \(remembered.number) "
                    + "(\(remembered.digest.short)) is known: its replicas were set back",
                cause: self)
        case .undecided(let number, _, let reached, let needed):
            KuraError(
                .replicaMissing,
                "record \(number) is not decided: \(reached) of the \(needed) replicas that it "
                    + "needs took part; it may still be decided",
                remedy: .steps([.advice("make the other replicas reachable"), .retry()]),
                cause: self)
        case .membersBehind(let number, let reached, let needed):
            KuraError(
                .replicaMissing,
                "record \(number) names replicas of which \(reached) hold the log, "
                    + "and \(needed) have to",
                remedy: .steps([.advice("make the other replicas reachable"), .retry()]),
                cause: self)
        case .setBack(_, let place, let seen):
            KuraError(
                .absent,
                "\(place) had record \(seen.number) and does not have it any more: it was set back",
                cause: self)
        case .tooFewHolders(let has, let needed):
            KuraError(
                .replicaMissing,
                "\(has) replicas took what is committed, and \(needed) have to",
                remedy: .retry(), cause: self)
        case .notAdmitted(let key):
            KuraError(
                .refused, "the key \(key) may not write to this vault", cause: self)
        }
    }
}
