extension Scenario {
    /// A scenario that is followed to the end: every schedule of it, or every one in which
    /// another actor gets its turn at most `switches` times while the one before could go on.
    package struct Whole: Sendable {
        package let scenario: Scenario
        package let switches: Int?
        /// Whether it takes more than some seconds.
        package let isLong: Bool

        package init(scenario: Scenario, switches: Int?, isLong: Bool = false) {
            self.scenario = scenario
            self.switches = switches
            self.isLong = isLong
        }
    }

    package static let whole: [Whole] = [
        Whole(scenario: deciding, switches: nil),
        Whole(scenario: decidingUnclear, switches: nil, isLong: true),
        Whole(scenario: decidingAway, switches: 2),
        Whole(scenario: collection, switches: nil),
        Whole(scenario: moving, switches: nil, isLong: true),
        Whole(scenario: members, switches: 1),
        Whole(scenario: membersAndWriters, switches: 0),
        Whole(scenario: membersAndWriters, switches: 1, isLong: true),
        Whole(scenario: membersThrice, switches: 0),
        Whole(scenario: membersThrice, switches: 1, isLong: true),
        Whole(scenario: everything, switches: 1),
        Whole(scenario: everything, switches: 2, isLong: true),
        Whole(scenario: everythingAway, switches: 0, isLong: true),
    ]

    /// Where the loss of a rule about members shows that shows nowhere else.
    static let replacing = [
        Whole(scenario: membersAndWriters, switches: 1),
        Whole(scenario: membersThrice, switches: 1),
    ]

    /// Two writers commit at once, in three replicas.
    package static let deciding = Scenario(
        name: "two writers", actors: [.writer, .writer], history: .point, ballotsMax: 3)

    static let decidingUnclear: Scenario = {
        var scenario = deciding
        scenario.name = "two writers, one answer is lost"
        scenario.unclear = 1
        return scenario
    }()

    static let decidingAway: Scenario = {
        var scenario = deciding
        scenario.name = "two writers, one replica goes away"
        scenario.away = 1
        return scenario
    }()

    /// The argument for one store: two writers, of whom one relies on the pack that is collected.
    package static let collection = Scenario(
        name: "collection in one member", actors: [.prune, .writer, .writer, .packer, .reader],
        members: 0b001, required: 1, history: .garbage, checksMatter: true)

    /// The same, where prune also takes packs of no record and moves a pack that is needed.
    static let moving: Scenario = {
        var scenario = collection
        scenario.name = "packs of no record in one member"
        scenario.actors = [.prune, .writer, .packer, .reader]
        scenario.jobs = 2
        scenario.orphans = true
        scenario.repacks = true
        return scenario
    }()

    /// Two of three replicas lose everything or become older, one after the other.
    package static let members = Scenario(
        name: "members", actors: [.writer, .admin, .catcher], ballotsMax: 3, checksMatter: true,
        losses: 2)

    /// The same with a second writer, while the first one sleeps.
    static let membersAndWriters: Scenario = {
        var scenario = members
        scenario.name = "members and two writers"
        scenario.actors = [.writer, .writer, .admin]
        return scenario
    }()

    /// All three replicas are replaced, one after the other, while a writer sleeps.
    static let membersThrice: Scenario = {
        var scenario = members
        scenario.name = "all members"
        scenario.actors = [.writer, .admin]
        scenario.jobs = 2
        scenario.losses = 3
        return scenario
    }()

    /// Two writers, one prune, one packer, one reader, one that catches up, two packs, three
    /// replicas.
    package static let everything = Scenario(
        name: "everything", actors: [.prune, .writer, .writer, .packer, .reader, .catcher],
        history: .garbage, ballotsMax: 3, checksMatter: true)

    static let everythingAway: Scenario = {
        var scenario = everything
        scenario.name = "everything, one replica goes away"
        scenario.away = 1
        return scenario
    }()

    /// The shapes of random schedules.
    package static let random: [Scenario] = [crowd, ballots, lone, losses, replacements]

    static let crowd = Scenario(
        name: "crowd", actors: [.prune, .writer, .writer, .writer, .packer, .catcher, .reader],
        jobs: 2, history: .garbage, contents: 2, checksMatter: true, repacks: true, orphans: true,
        away: 3, unclear: 2, late: 2, kills: 2)

    static let ballots = Scenario(
        name: "ballots", actors: [.writer, .writer, .writer, .packer], jobs: 2, contents: 2,
        checksMatter: true, impatient: true, away: 3, unclear: 3, late: 3, kills: 3)

    static let lone = Scenario(
        name: "one member", actors: [.prune, .writer, .writer, .dropper, .packer, .reader], jobs: 2,
        members: 0b001, required: 1, history: .point, checksMatter: true, repacks: true,
        orphans: true, away: 2, unclear: 3, late: 4, kills: 3)

    static let losses = Scenario(
        name: "losses",
        actors: [.prune, .writer, .writer, .dropper, .packer, .catcher, .reader, .admin], jobs: 2,
        history: .point, contents: 2, checksMatter: true, repacks: true, away: 3, unclear: 1,
        late: 2, losses: 2, kills: 1)

    static let replacements = Scenario(
        name: "replacements", actors: [.writer, .admin, .admin, .catcher], jobs: 2,
        checksMatter: true, away: 1, losses: 3, kills: 1)
}
