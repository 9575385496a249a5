import KuraFormat
import KuraIO
import KuraOperations
import KuraPolicy
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("A prune that needs a look") struct BrakeTests {
    /// An estate with a protected machine and a point on each of nine days of January 2026.
    private func nineDays(_ directory: FilePath) throws -> Estate {
        let estate = try Estate(directory)
        try estate.protected(time: utc("2026-01-01"))
        for day in 1...9 {
            let backup = try estate.subscription.at(utc("2026-01-0\(day)", "23:30")).operations
            try estate.succeed([backup.backUp("web-1")])
        }
        return estate
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            let error = KuraError(error)
            return error.code == .refused ? error.message : nil
        }
    }

    @Test("A clock that is years ahead drops nothing, and the token lets the same plan through")
    func clockAhead() throws {
        try withTemporaryDirectory { directory in
            let estate = try nineDays(directory)
            let kura = try estate.subscription.at(utc("2031-01-01"))
            let place = try kura.place(named: "tokyo")
            let message = try #require(refusal { _ = try kura.operations.prune(place) })
            #expect(message.contains("the clock is"))
            #expect(message.contains("8 of 9 recovery points of web-1"))
            #expect(try estate.vault().recoveryPointIDs().count == 9)
            #expect(refusal { _ = try kura.operations.prune(place, confirmed: "0123") } != nil)
            let brake = try #require(
                try kura.operations.prunePlan(Pruning(vault: "tokyo"))[0].brake)
            let report = try kura.operations.prune(place, confirmed: brake.token)
            #expect(report.decisions.count { !$0.isKept } == 8)
            #expect(try estate.vault().recoveryPointIDs().count == 1)
        }
    }

    @Test("Points of which the settings were lost everywhere are not judged by DefaultPolicy")
    func journalGone() throws {
        try withTemporaryDirectory { directory in
            let estate = try nineDays(directory)
            let journal = try estate.vault().replicas[0].vaultPath(estate.vault().id)
                .appending("journal")
            for file in filesBelow(journal) { try LocalFileSystem().remove(file) }
            let (found, _) = try Operations.rebuildCatalog(
                home: directory.appending("home"), replicas: [], context: .test())
            let kura = try found.at(utc("2026-02-02"))
            let message = try #require(
                refusal { _ = try kura.operations.prune(kura.place(named: "tokyo")) })
            #expect(message.contains("the journal of the settings is not whole"))
            // A prune that was stopped leaves an entry, which does not make the journal whole.
            #expect(refusal { _ = try kura.operations.prune(kura.place(named: "tokyo")) } != nil)
            #expect(try estate.vault().recoveryPointIDs().count == 9)
        }
    }

    @Test("A prune by the rules of every day goes through without a question")
    func everyDay() throws {
        try withTemporaryDirectory { directory in
            let estate = try nineDays(directory)
            let kura = try estate.subscription.at(utc("2026-02-02", "12:00"))
            let report = try kura.operations.prune(kura.place(named: "tokyo"))
            #expect(report.decisions.count { !$0.isKept } == 2)
        }
    }

    @Test("The newest whole point stays while a newer one lacks something")
    func lackingNewest() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected(time: utc("2026-01-01"))
            let first = try estate.subscription.at(utc("2026-01-01", "23:30")).operations
            try estate.succeed([first.backUp("web-1")])
            let known = Set(try packs(estate))
            let content = SyntheticDisk(seed: 77, byteCount: 30_000).bytes
            try estate.write(content, to: estate.folder("web", "web-1").appending("os.img"))
            let second = try estate.subscription.at(utc("2026-01-30", "23:30")).operations
            try estate.succeed([second.backUp("web-1")])
            for pack in try packs(estate) where !known.contains(pack) {
                try LocalFileSystem().remove(FilePath(pack))
            }
            let kura = try estate.subscription.at(utc("2026-02-10"))
            _ = try kura.operations.verify(Verification(repairs: true))
            let place = try kura.place(named: "tokyo")
            let report = try kura.operations.prune(place)
            #expect(report.decisions.count { !$0.isKept } == 0)
            #expect(try kura.recoveryPoint("web-1@latest").point.sequence == 2)
            #expect(try estate.vault().recoveryPointIDs().count == 2)
        }
    }

    private func packs(_ estate: Estate) throws -> [String] {
        let vault = try estate.vault()
        return filesBelow(vault.replicas[0].vaultPath(vault.id).appending("packs")).map(\.string)
    }
}
