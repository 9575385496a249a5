import KuraFormat
import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

@Suite("A survey of a region") struct SurveyTests {
    @Test("has the vaults of the replicas that can be read", arguments: [FileCall.open, .list])
    func oneReplicaFails(call: FileCall) throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let vaults = store.region.replicas[0].path.appending("vaults")
            let failing =
                call == .list ? vaults : vaults.pushing(FilePath("\(store.vault.id.hex)/vault"))
            let broken = BrokenFileSystem(later: true) { $0 == call && $1 == failing.string }
            let region = store.reopened(fileSystem: broken).region
            broken.begin()
            #expect(try region.vaults() == [store.vault.record])
            let survey = try region.survey()
            #expect(survey.unreadable.isEmpty)
            // It may hold vaults that the others do not have.
            #expect(survey.problems.map(\.code) == (call == .list ? [.io] : []))
        }
    }

    @Test("says why a vault cannot be read that no other replica has")
    func onlyCopyFails() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory, copies: 1)
            let broken = BrokenFileSystem(later: true) { $0 == .open && $1.hasSuffix("/vault") }
            let region = store.reopened(fileSystem: broken).region
            broken.begin()
            #expect(try region.survey().unreadable[store.vault.id]?.code == .io)
            #expect(throws: KuraError.self) { try region.vaults() }
        }
    }

    @Test("is an error where no replica can say which vaults it holds")
    func allFail() throws {
        try withTemporaryDirectory { directory in
            let store = try TestStore(directory)
            let broken = BrokenFileSystem(later: true) { $0 == .list && $1.hasSuffix("/vaults") }
            let region = store.reopened(fileSystem: broken).region
            broken.begin()
            let error = #expect(throws: KuraError.self) { try region.survey() }
            #expect(error?.code == .io)
        }
    }
}
