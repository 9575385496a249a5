import KuraFormat
import KuraIO
import KuraPolicy
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("Callers of one process") struct CallerTests {
    private static let changes = 8
    private static let region = "japaneast"

    /// A home with one region and one vault, tokyo.
    private func home(_ directory: FilePath) throws -> Subscription {
        let home = try Subscription.open(
            home: directory.appending("home"), create: .home, context: .test()
        ).addRegion(.init(name: Self.region))
        _ = try home.createVault(name: "tokyo", region: Self.region, copies: 1)
        return home
    }

    @Test("Two callers side by side each stand in the journal under their own name")
    func actors() throws {
        try withTemporaryDirectory { directory in
            let shared = try home(directory)
            let names = ["alice@desk", "bob@portal"]
            let failures = Threads.map(names.count) { number -> KuraError? in
                let kura = shared.onBehalf(of: .test(names[number]))
                do throws(KuraError) {
                    let vault = try kura.place(named: "tokyo").writing()
                    for change in 0..<Self.changes {
                        var policy = Policy.standard
                        policy.name = "policy-\(number)-\(change)"
                        try kura.createPolicy(policy, in: vault)
                    }
                    return nil
                } catch {
                    return error
                }
            }
            for failure in failures { if let failure { throw failure } }
            let entries = try shared.audit(of: shared.place(named: "tokyo").reading()).map(\.entry)
                .filter { $0.operation == "CreateProtectionPolicy" }
            #expect(entries.count == names.count * Self.changes)
            for entry in entries {
                let number = entry.subject.hasPrefix("policy/policy-0-") ? 0 : 1
                #expect(entry.actor == names[number], "\(entry.subject)")
            }
        }
    }

    @Test("Relative paths start from the caller's directory, and times are those of his clock")
    func terms() throws {
        try withTemporaryDirectory { directory in
            let inventory = directory.appending("inventory")
            try LocalFileSystem().makeDirectories(inventory)
            let date = try #require(LocalDate("2031-05-06"))
            let time = PolicyZone.utc.instant(of: date, second: 0)
            let kura = try home(directory).onBehalf(of: .test(directory: directory, at: time))
            #expect(try kura.setInventory("inventory") == inventory)
            _ = try kura.createVault(name: "kyoto", region: Self.region, copies: 1)
            let place = try kura.place(named: "kyoto")
            #expect(place.record.created == time)
            let entries = try kura.audit(of: place.reading())
            #expect(!entries.isEmpty && entries.allSatisfy { $0.entry.time == time })
        }
    }
}
