import KuraIO
import Simulation
import SystemPackage
import TestSupport
import Testing

@Suite("Lock holders") struct LockHolderTests {
    private let holder = LockHolder(
        operation: "backup", process: 4711, host: "h", since: 1_722_945_600_000_000_000)

    @Test("a lock file tells who holds it, always in as many bytes")
    func roundTrip() {
        let bytes = holder.encoded()
        #expect(bytes.count == LockHolder.byteCount)
        #expect(bytes.starts(with: Array("kura-lock 1\noperation backup\nprocess 4711\n".utf8)))
        #expect(LockHolder(decoding: bytes) == holder)
        #expect(holder.description == "kura backup (process 4711 on host h)")
        let long = LockHolder(
            operation: String(repeating: "o", count: 1000), process: .max,
            host: String(repeating: "ü", count: 1000), since: .min)
        #expect(long.encoded().count == LockHolder.byteCount)
        #expect(LockHolder(decoding: long.encoded()) == long)
    }

    @Test(
        "a lock file that says nothing of use names nobody",
        arguments: [
            "", "kura-lock 2\n", "kura-lock 1\noperation backup\nprocess -1\nhost h\nsince 1\n",
            "kura-lock 1\noperation backup\nhost h\nsince 1\n", "operation backup\nprocess 1\n",
        ])
    func useless(_ text: String) {
        #expect(LockHolder(decoding: Array(text.utf8)) == nil)
    }

    @Test("what others wrote into a lock file cannot steer a terminal")
    func hostile() throws {
        let text =
            "kura-lock 1\noperation \u{1B}[2Jrm -rf\u{202E}\nprocess 1\nhost a b\r\nsince 1\n"
        let found = try #require(LockHolder(decoding: Array(text.utf8)))
        #expect(found.description.utf8.allSatisfy { 0x20...0x7e ~= $0 })
        #expect(LockHolder(decoding: [UInt8](repeating: 0x0a, count: 1 << 20)) == nil)
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            var bytes = holder.encoded()
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<160, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            guard let found = LockHolder(decoding: bytes) else { continue }
            #expect(found.description.utf8.allSatisfy { 0x20...0x7e ~= $0 })
        }
    }
}

@Suite("Waiting for a lock", .timeLimit(.minutes(1))) struct LockWaitTests {
    /// Both kinds of file system wait alike.
    enum Kind: CaseIterable, Sendable { case local, simulated }

    private static let holder = LockHolder(operation: "prune", process: 7, host: "h", since: 3)
    private static let me = LockHolder(operation: "backup", process: 8, host: "h", since: 4)
    private static var farAway: Int64 { Clock.steady() + 600_000_000_000 }

    private func withLock(
        _ kind: Kind, _ body: (LockWait, any FileSystem, FilePath) throws -> Void
    ) throws {
        switch kind {
        case .simulated:
            let (disk, path) = (SimulatedFileSystem(), FilePath("/lock"))
            try body(LockWait(for: FileLockPlace(path, disk), in: "/"), disk, path)
        case .local:
            try withTemporaryDirectory { directory in
                let path = directory.appending("lock")
                let place = FileLockPlace(path)
                try body(
                    LockWait(for: place, in: directory.string), LocalFileSystem(), path)
            }
        }
    }

    private func isTaken(_ outcome: LockOutcome) -> Bool {
        if case .taken(let lock) = outcome {
            lock.release(removing: false)
            return true
        }
        return false
    }

    @Test("the lock is had as soon as its holder lets go", arguments: Kind.allCases)
    func handOver(_ kind: Kind) throws {
        try withLock(kind) { file, fileSystem, path in
            let held = try #require(try fileSystem.lock(path))
            let waits = Latch(1)
            Threads.run(2) { number in
                if number == 1 {
                    waits.wait()
                    fileSystem.close(held)
                    return
                }
                do {
                    let outcome = try file.take(
                        as: Self.me, until: Self.farAway, WaitPolicy(noticeAfter: 0),
                        onWait: { _ in waits.signal() })
                    #expect(isTaken(outcome))
                } catch {
                    Issue.record(error)
                }
            }
        }
    }

    @Test("a cancellation ends the wait", arguments: Kind.allCases)
    func cancelled(_ kind: Kind) throws {
        try withLock(kind) { file, fileSystem, path in
            let held = try #require(try fileSystem.lock(path))
            defer { fileSystem.close(held) }
            let (waits, cancellation) = (Latch(1), Cancellation())
            Threads.run(2) { number in
                if number == 1 {
                    waits.wait()
                    cancellation.cancel()
                    return
                }
                do {
                    let outcome = try file.take(
                        as: Self.me, until: Self.farAway,
                        WaitPolicy(noticeAfter: 0, cancellation: cancellation),
                        onWait: { _ in waits.signal() })
                    guard case .cancelled = outcome else {
                        Issue.record("\(outcome)")
                        return
                    }
                } catch {
                    // The cancellation came while a try of the lock was under way.
                    #expect((error as? IOError)?.errno == .interrupted, "\(error)")
                }
            }
        }
    }

    @Test("a wait whose time is over names the holder, and was told of once")
    func endOfTime() throws {
        try withLock(.local) { file, _, _ in
            let first = try file.take(as: Self.holder, until: 0, WaitPolicy())
            guard case .taken(let lock) = first else {
                Issue.record("\(first)")
                return
            }
            var told: [LockHolder?] = []
            let second = try file.take(
                as: Self.me, until: Clock.steady() + 5_000_000, WaitPolicy(noticeAfter: 0),
                onWait: { told.append($0) })
            guard case .held(let holder) = second else {
                Issue.record("\(second)")
                return
            }
            #expect(holder == Self.holder)
            #expect(told == [Self.holder])
            #expect(try file.isHeld(WaitPolicy()))
            lock.release(removing: false)
            #expect(try !file.isHeld(WaitPolicy()))
            let last = try file.take(as: Self.me, until: 0, WaitPolicy())
            #expect(isTaken(last))
        }
    }

    @Test("a lock that is free is had although the work is cancelled: that ends waits only")
    func cancelledButFree() throws {
        try withLock(.local) { file, _, _ in
            let cancellation = Cancellation()
            cancellation.cancel()
            let policy = WaitPolicy(cancellation: cancellation)
            let outcome = try file.take(as: Self.me, until: 0, policy)
            #expect(isTaken(outcome))
        }
    }

    @Test("a lock that is forgotten is free")
    func forgotten() throws {
        try withLock(.local) { file, _, _ in
            _ = try file.take(as: Self.me, until: 0, WaitPolicy())
            let last = try file.take(as: Self.me, until: 0, WaitPolicy())
            #expect(isTaken(last))
        }
    }

    @Test("a note that cannot be written does not keep anybody from the lock")
    func unwritable() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("lock")
            let file = try LocalFileSystem().openLock(path)
            LocalFileSystem().close(file)
            let reading = try LocalFileSystem().openForReading(path)
            defer { LocalFileSystem().close(reading) }
            // This descriptor cannot be written to.
            #expect(try LocalFileSystem().takeLock(reading, path, note: Self.me.encoded()))
        }
    }

    @Test("a file system that does not answer is an error, and what it takes late is let go of")
    func hangs() throws {
        try withTemporaryDirectory { directory in
            let latch = Latch(1)
            let fileSystem = HangingFileSystem(latch)
            let file = LockWait(
                for: FileLockPlace(directory.appending("lock"), fileSystem), in: directory.string)
            let policy = WaitPolicy(answerLimit: 10_000_000)
            for _ in 0..<3 {
                let error = #expect(throws: IOError.self) {
                    try file.take(as: Self.me, until: 0, policy)
                }
                #expect(error?.errno == .timedOut)
            }
            latch.signal()
            let outcome = try file.take(as: Self.me, until: Self.farAway, WaitPolicy())
            #expect(isTaken(outcome))
        }
    }
}

/// The local file system that lets no lock file be opened before a latch opens.
private final class HangingFileSystem: PassingFileSystem {
    private let latch: Latch

    init(_ latch: Latch) { self.latch = latch }

    func before(_ call: FileCall, _ path: FilePath) {
        if call == .lock { latch.wait() }
    }
}
