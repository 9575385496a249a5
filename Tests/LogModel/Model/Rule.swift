/// A rule of the protocol that can be taken away, to see that its loss is noticed.
package enum Rule: String, CaseIterable, Sendable {
    case claim
    case blanks
    case highestBallot = "highest-ballot"
    case equalZero = "equal-zero"
    case zeroByAll = "zero-by-all"
    case oneNumberAtATime = "one-number-at-a-time"
    case checkAfterPut = "check-after-put"
    case segmentFirst = "segment-first"
    case segmentBeforeFreeing = "segment-before-freeing"
    case segmentBeforeVotesGo = "segment-before-votes-go"
    case idAfterPut = "id-after-put"
    case membersDurable = "members-durable"
    case wholeLogInNewMembers = "whole-log-in-new-members"
    case newIdWhenShorter = "new-id-when-shorter"
    case decidedBeforeAcknowledged = "decided-before-acknowledged"
    case wholeBeforeAcknowledged = "whole-before-acknowledged"
    case wholeBeforeDeleted = "whole-before-deleted"
    case objectsBeforeMark = "objects-before-mark"
    case packsBeforeVotes = "packs-before-votes"
    case packsInMembers = "packs-in-members"
    case commitChecks = "commit-checks"
    case condemnChecks = "condemn-checks"
    case sweepChecks = "sweep-checks"
    case baseBeforeUpload = "base-before-upload"
    case sweptBeforeDeleted = "swept-before-deleted"
    case readAtMark = "read-at-mark"

    /// What is done instead.
    package var words: String {
        switch self {
        case .claim: "a ballot is used without a claim"
        case .blanks: "lower ballots are read and not closed"
        case .highestBallot:
            "one's own record is proposed, whatever stands in lower ballots above 0"
        case .equalZero: "one's own record is proposed, also where ballot 0 is equal everywhere"
        case .zeroByAll: "ballot 0 decides by majority"
        case .oneNumberAtATime: "n + 1 is proposed while n is unknown"
        case .checkAfterPut: "a put counts without a look at the segment"
        case .segmentFirst: "log/n is believed where the segment of n stands"
        case .segmentBeforeFreeing: "log/n is removed before its segment is there"
        case .segmentBeforeVotesGo: "votes are removed when log/n is there, before its segment"
        case .idAfterPut: "a put counts without a look at the replica's id"
        case .membersDurable: "n + 1 is proposed while new members do not hold their record"
        case .wholeLogInNewMembers: "new members hold their record, and nothing before it"
        case .newIdWhenShorter: "a replica that became shorter votes with its old id"
        case .decidedBeforeAcknowledged: "a commit is acknowledged before it is decided"
        case .wholeBeforeAcknowledged: "a commit is acknowledged when it is decided"
        case .wholeBeforeDeleted: "a pack is deleted in replicas that are not whole to the sweep"
        case .objectsBeforeMark: "a replica is marked whole without a look at its packs"
        case .packsBeforeVotes: "a point is proposed before its packs are in the required copies"
        case .packsInMembers:
            "a point is proposed though a replica that took its packs was replaced since"
        case .commitChecks: "a point is committed without a look at records since the base"
        case .condemnChecks: "a condemnation is committed as it was first computed"
        case .sweepChecks: "a sweep takes what was listed again since"
        case .baseBeforeUpload: "the base of a session is read after its packs were put"
        case .sweptBeforeDeleted: "packs are deleted when they are condemned"
        case .readAtMark: "a reader follows a point by the newest record of its replica"
        }
    }
}
