import KuraFormat
import KuraIO
import KuraOperations
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

/// What commands do when another process holds a lock.
@Suite("Waiting for others", .timeLimit(.minutes(2))) struct WaitingTests {
    private static let holder = LockHolder(
        operation: "replicate", process: 4711, host: "elsewhere", since: 1)

    private func hold(_ path: FilePath) throws -> any LockHandle {
        try LocalFileSystem().makeDirectories(path.removingLastComponent())
        let file = LockWait(for: FileLockPlace(path), in: path.string)
        guard case .taken(let lock) = try file.take(as: Self.holder, until: 0, WaitPolicy()) else {
            throw KuraError(.locked, "the lock is not free")
        }
        return lock
    }

    @Test("Changing the regions waits for another process, to the end or to a cancellation")
    func regions() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let lock = try hold(directory.appending("home").appending("kura.lock"))
            let late = try estate.reopened(waits: WaitPolicy(limit: 5_000_000))
            let refusal = #expect(throws: KuraError.self) {
                try late.addRegion(.init(name: "osaka"))
            }
            #expect(refusal?.code == .locked)
            #expect(refusal?.message.contains("\(Self.holder)") == true)
            let cancellation = Cancellation()
            let other = try estate.reopened(
                waits: WaitPolicy(noticeAfter: 0, cancellation: cancellation) { _ in
                    cancellation.cancel()
                })
            let error = #expect(throws: KuraError.self) {
                try other.addRegion(.init(name: "osaka"))
            }
            #expect(error?.code == .interrupted)
            let last = try estate.reopened(
                waits: WaitPolicy(noticeAfter: 0) { _ in lock.release(removing: false) })
            #expect(try last.addRegion(.init(name: "osaka")).regions.count == 2)
        }
    }

    @Test("A machine that another process backs up is waited for")
    func machine() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            try estate.protected("web-1")
            let vault = try estate.vault()
            let name = SHA256.digest(Array("/machine/web-1".utf8)).hex.prefix(32)
            let lock = try hold(
                vault.replicas[0].vaultPath(vault.id).appending("locks").appending("item-\(name)"))
            let late = try estate.reopened(waits: WaitPolicy(limit: 5_000_000))
            let error = late.operations.backUp("web-1").error
            #expect(error?.code == .locked)
            #expect(error?.message.contains("machine web-1 is in use by \(Self.holder)") == true)
            let other = try estate.reopened(
                waits: WaitPolicy(noticeAfter: 0) { _ in lock.release(removing: false) })
            #expect(other.operations.backUp("web-1").error == nil)
        }
    }
}
