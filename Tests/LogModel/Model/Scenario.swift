/// Who takes part, what may go wrong, and with what the log begins.
package struct Scenario: Sendable {
    /// What stands in the log at the start, decided, whole and known to all.
    package enum History: Sendable {
        case empty
        /// A point with one pack.
        case point
        /// The same, dropped: its pack is garbage.
        case garbage
    }

    package var name: String
    /// Actors that make packs have to be among the first four.
    package var actors: [Kind]
    package var jobs: UInt8 = 1
    var members: UInt8 = 0b111
    var required = 2
    package var history = History.empty
    var contents: UInt8 = 1
    package var ballotsMax: UInt8 = UInt8(Capacity.ballots)
    /// Whether names are ever freed, or replicas replaced: without that, a check after a put
    /// finds nothing.
    var checksMatter = false
    /// Whether prune moves packs when it finds no garbage.
    var repacks = false
    /// Whether prune looks for packs of no record.
    var orphans = false
    /// Whether a free choice of a ballot is one's own record.
    package var prefersOwn = false
    /// Whether writers go on to ballots without a reason.
    var impatient = false
    package var away: UInt8 = 0
    package var unclear: UInt8 = 0
    package var late: UInt8 = 0
    package var losses: UInt8 = 0
    package var kills: UInt8 = 0
}

extension Model {
    /// Whether replicas are alike in this scenario: nothing chooses one by its place.
    var isSymmetric: Bool { scenario.members == 0b111 && !scenario.actors.contains(.admin) }
}
