import KuraPolicy
import Testing

@Suite("The brake of a prune") struct PruneBrakeTests {
    /// Points of item web with sequences 1 to `count`, the first `expired` of them over.
    private func points(
        _ count: Int, expired: Int, newShare: (Int) -> Double = { _ in 0.01 },
        lacking: Set<Int> = []
    ) -> [BrakePoint<Int>] {
        (1...count).map { number in
            BrakePoint(
                id: number, item: "web", sequence: UInt64(number), dataBytes: 100_000_000,
                newBytes: UInt64(100_000_000 * newShare(number)), isExpired: number <= expired,
                isLacking: lacking.contains(number))
        }
    }

    private func keys(_ reasons: [BrakeReason]) -> [String] {
        reasons.map { String($0.key.prefix { $0 != "/" }) }
    }

    @Test("More than a third of an item's points, and more than five, do not go at once")
    func many() {
        #expect(keys(PruneBrake.reasons(points(9, expired: 5))) == [])
        #expect(keys(PruneBrake.reasons(points(9, expired: 6))) == ["many"])
        #expect(keys(PruneBrake.reasons(points(18, expired: 6))) == [])
        #expect(keys(PruneBrake.reasons(points(20, expired: 7))) == ["many"])
    }

    @Test("What stands against a prune stops it only where a point goes by a rule")
    func nothingGoes() {
        let reasons = PruneBrake.reasons(
            points(9, expired: 0, lacking: [9]), clockDoubt: "wrong",
            journalProblems: ["an entry is missing"])
        #expect(reasons.isEmpty)
    }

    @Test("A clock in doubt, and a journal that is not whole, stop a prune")
    func surroundings() {
        let reasons = PruneBrake.reasons(
            points(9, expired: 1), clockDoubt: "wrong", journalProblems: ["an entry is missing"])
        #expect(keys(reasons) == ["clock", "journal"])
    }

    @Test("An item whose newest point lacks something keeps its older ones")
    func lacking() {
        #expect(keys(PruneBrake.reasons(points(9, expired: 1, lacking: [9]))) == ["lacking"])
        #expect(keys(PruneBrake.reasons(points(9, expired: 1, lacking: [8]))) == [])
    }

    @Test("A policy that was shortened stops a prune of the items that it judges")
    func shortened() {
        let shortened = [(policy: "gold", key: "entry")]
        let judged = PruneBrake.reasons(
            points(9, expired: 2), shortened: shortened, items: { _ in { $0 == "web" } })
        #expect(keys(judged) == ["policy"])
        #expect(judged[0].message.contains("2 of its points"))
        let others = PruneBrake.reasons(
            points(9, expired: 2), shortened: shortened, items: { _ in { $0 == "mail" } })
        #expect(others.isEmpty)
    }

    @Test("A disk of which all is new at once, after little, keeps its older points")
    func changedAtOnce() {
        let encrypted = points(12, expired: 1) { $0 == 10 ? 0.97 : 0.02 }
        #expect(keys(PruneBrake.reasons(encrypted)) == ["changed"])
        let long = points(30, expired: 1) { $0 == 10 ? 0.97 : 0.02 }
        #expect(PruneBrake.reasons(long).isEmpty)
        let always = points(12, expired: 1) { _ in 0.97 }
        #expect(PruneBrake.reasons(always).isEmpty)
    }

    @Test("What was confirmed keeps its key, and another cause has another one")
    func stableKeys() {
        let first = PruneBrake.reasons(points(9, expired: 6))
        #expect(first == PruneBrake.reasons(points(9, expired: 6)))
        #expect(first[0].key != PruneBrake.reasons(points(9, expired: 7))[0].key)
    }
}
