import Foundation
import KuraFormat
import KuraIO
import SystemPackage
import Testing

@Suite("Waiting for another process") struct WaitingTests {
    /// Holds a lock of the vault `default` in its three replicas, as another process would.
    private func hold(_ name: String, _ kura: Kura) throws -> [any LockHandle] {
        let holder = LockHolder(operation: "prune", process: 4711, host: "h", since: 1)
        return try (0..<3).map { ordinal in
            let vaults = FilePath(kura.home).pushing(
                FilePath("regions/local/replica-\(ordinal)/vaults"))
            let vault = try #require(try LocalFileSystem().list(vaults).first)
            let path = vaults.appending(vault).appending("locks").appending(name)
            let file = LockWait(for: FileLockPlace(path), in: path.string)
            guard case .taken(let lock) = try file.take(as: holder, until: 0, WaitPolicy()) else {
                throw KuraError(.locked, "\(path) is not free")
            }
            return lock
        }
    }

    @Test(
        "A long wait says for whom, and one SIGINT ends it with 130",
        arguments: [
            ("commit", "a commit to vault default"),
            ("item-" + SHA256.digest(Array("web".utf8)).hex.prefix(32), "item web"),
        ])
    func interrupted(_ lock: String, _ what: String) throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img")
            #expect(try kura.run("backup", disk, "--item", "other").code == 0)
            let locks = try hold(lock, kura)
            defer { for lock in locks { lock.release(removing: false) } }
            // It ends by itself, with another code, when it says nothing or ignores the signal.
            let line = """
                mkfifo p; kura backup '\(disk)' --item web 2>p & pid=$!
                while IFS= read -r text; do
                    echo "$text" >&2
                    case $text in *'waiting for'*) kill -INT $pid;; esac
                done <p
                wait $pid
                """
            let outcome = try kura.shell(line)
            #expect(outcome.code == 130, "\(outcome.error)")
            #expect(
                outcome.error.contains(
                    "kura: waiting for kura prune (process 4711 on host h) to finish with \(what)\n"
                ))
        }
    }
}
