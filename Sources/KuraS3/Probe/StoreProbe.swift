internal import KuraCodec
internal import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import Synchronization
internal import SystemPackage

/// Tries what a server does, over all its endpoints: names and versions are never believed.
///
/// A probe that finds nothing proves nothing, so writers must still notice afterwards that two
/// were first. It leaves nothing behind, unless it is cut off.
public struct StoreProbe: Sendable {
    private let stores: [S3Store]
    private let folder: StoreFolder
    private let writers: Int
    private let rounds: Int
    private let owner = UniqueID.random()

    /// The first store is for what one writer does.
    private var store: S3Store { stores[0] }

    package init(_ client: S3Client, writers: Int = 16, rounds: Int = 20) {
        stores = client.address.endpoints.map {
            S3Store(client.client(for: $0), .standard)
        }
        folder = StoreFolder(".kura-probe-\(UniqueID.random().hex)")
        self.writers = writers
        self.rounds = rounds
    }

    /// Probes the bucket of an address, some hundred requests. Throws where it cannot be reached,
    /// or does not let these credentials do what Kura needs.
    public static func run(
        _ address: BucketAddress, _ credentials: S3Credentials, options: S3Options = S3Options(),
        cancellation: Cancellation = Cancellation()
    ) throws(IOError) -> ProbeReport {
        let client = S3Client(
            address, credentials, options: options,
            surroundings: Surroundings(cancellation: cancellation))
        return try StoreProbe(client).run()
    }

    package func run() throws(IOError) -> ProbeReport {
        var seen = ProbeEvidence()
        seen.endpoints = stores.count
        seen.writers = writers
        do throws(IOError) {
            try tryObjects(&seen)
            if seen.givesBack {
                try tryFreshness(&seen)
                try tryNames(&seen)
                try tryOverwriting(&seen)
                try tryPutIfAbsent(&seen)
                try trySwap(&seen)
                try tryChecks(&seen)
            }
        } catch {
            let failure = error
            do throws(IOError) {
                try clean()
            } catch {
                // The first failure tells more.
            }
            throw failure
        }
        try clean()
        return ProbeReport(seen)
    }

    private func clean() throws(IOError) {
        try store.delete(try store.names(in: folder).map { folder.object($0) })
    }

    private func put(
        _ name: String, _ bytes: [UInt8], condition: PutCondition, in store: S3Store
    ) throws(IOError) -> PutOutcome {
        try store.put(folder.object(name), bytes, condition: condition, by: owner)
    }

    private func read(_ name: String, in store: S3Store) throws(IOError) -> [UInt8]? {
        let name = folder.object(name)
        let part = try store.client.read(
            store.key(name), at: 0, count: 1 << 20, into: nil, place: store.address(of: name))
        return part?.bytes
    }

    // MARK: Objects

    private func tryObjects(_ seen: inout ProbeEvidence) throws(IOError) {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        _ = try put("object", bytes, condition: .replacing, in: store)
        let name = folder.object("object")
        let isEqual = bytes.withUnsafeBytes { raw -> Result<Bool?, IOError> in
            do throws(IOError) {
                return .success(
                    try store.client.isEqual(
                        store.key(name), to: [raw], place: store.address(of: name)))
            } catch {
                return .failure(error)
            }
        }
        seen.givesBack = try isEqual.get() == true
        do throws(IOError) {
            let part = try store.client.read(
                store.key(name), at: 70_000, count: 1000, into: nil, place: store.address(of: name))
            seen.readsRanges =
                part?.bytes == Array(bytes[70_000..<71_000]) && part?.byteCount == 100_000
        } catch {
            // More came than was asked for, or something else.
            guard error.isTooLong || error.errno == .ioError else { throw error }
            seen.readsRanges = false
        }
    }

    /// What is written by one endpoint is seen by the others at once.
    private func tryFreshness(_ seen: inout ProbeEvidence) throws(IOError) {
        for round in 0..<rounds {
            let (here, there) = (stores[round % stores.count], stores[(round + 1) % stores.count])
            // Asking before it is there must not hide it afterwards.
            _ = try read("fresh-\(round)", in: there)
            _ = try put("fresh-\(round)", [UInt8(round & 255)], condition: .replacing, in: here)
            seen.reads += 1
            if try read("fresh-\(round)", in: there) != [UInt8(round & 255)] {
                seen.staleReads += 1
            }
            seen.lists += 1
            if try !there.names(in: folder).contains("fresh-\(round)") { seen.staleLists += 1 }
            guard round % 2 == 0 else { continue }
            try here.delete([folder.object("fresh-\(round)")])
            seen.lists += 1
            if try there.names(in: folder).contains("fresh-\(round)") { seen.staleLists += 1 }
        }
    }

    private func tryNames(_ seen: inout ProbeEvidence) throws(IOError) {
        let names = ["0", "9", "a", "a-b", "a.b", "aa", "b", "z"]
        for name in names { _ = try put("name-\(name)", [1], condition: .replacing, in: store) }
        let found = try store.client.list(
            store.key(folder.object("name-")), groups: false, after: nil, place: store.place)
        let keys = names.map { store.key(folder.object("name-\($0)")) }
        // In the order of their bytes; "a-b" and "a.b" stand before "aa".
        seen.isOrdered = found.keys == keys
    }

    /// Readers of an object that is replaced see the old one or the new one.
    private func tryOverwriting(_ seen: inout ProbeEvidence) throws(IOError) {
        let contents = [
            [UInt8](repeating: 1, count: 200_000), [UInt8](repeating: 2, count: 90_000),
        ]
        _ = try put("replaced", contents[0], condition: .replacing, in: store)
        let results = Mutex<(reads: Int, torn: Int, failure: IOError?)>((0, 0, nil))
        let isOver = Atomic<Bool>(false)
        Threads.run(4) { number in
            do throws(IOError) {
                if number == 0 {
                    defer { isOver.store(true, ordering: .relaxed) }
                    for round in 0..<rounds {
                        _ = try put(
                            "replaced", contents[(round + 1) % 2], condition: .replacing,
                            in: stores[round % stores.count])
                    }
                    return
                }
                while !isOver.load(ordering: .relaxed) {
                    let bytes = try readWhole("replaced", in: stores[number % stores.count])
                    results.withLock { results in
                        results.reads += 1
                        if bytes.map({ contents.contains($0) }) != true { results.torn += 1 }
                    }
                }
            } catch {
                results.withLock { $0.failure = error }
            }
        }
        let (reads, torn, failure) = results.withLock { $0 }
        if let failure { throw failure }
        (seen.overwriteReads, seen.tornReads) = (reads, torn)
    }

    /// Nil where the answer is cut, or is no object.
    private func readWhole(_ name: String, in store: S3Store) throws(IOError) -> [UInt8]? {
        do throws(IOError) {
            return try read(name, in: store)
        } catch {
            if error.errno == .ioError { return nil }
            throw error
        }
    }

    // MARK: Races

    private func tryPutIfAbsent(_ seen: inout ProbeEvidence) throws(IOError) {
        do throws(IOError) {
            _ = try put("once", [1], condition: .ifAbsent, in: store)
            let second = try put("once", [2], condition: .ifAbsent, in: stores[stores.count - 1])
            seen.ifAbsent = second == .written ? .ignored : .honoured
        } catch {
            guard error.errno == .notSupported else { throw error }
            return
        }
        let barrier = Barrier(writers)
        let results = Mutex<(firsts: [[Int]], failure: IOError?)>(
            (Array(repeating: [], count: rounds), nil))
        Threads.run(writers) { writer in
            for round in 0..<rounds {
                barrier.wait()
                do throws(IOError) {
                    let outcome = try put(
                        "race-\(round)", [UInt8(writer & 255), UInt8(round & 255)],
                        condition: .ifAbsent, in: stores[writer % stores.count])
                    if outcome == .written {
                        results.withLock { $0.firsts[round].append(writer) }
                    }
                } catch {
                    results.withLock { $0.failure = error }
                }
            }
        }
        let (firsts, failure) = results.withLock { $0 }
        if let failure { throw failure }
        seen.winners = firsts.map(\.count)
        for (round, writers) in firsts.enumerated() where writers.count == 1 {
            let bytes = try read("race-\(round)", in: store)
            if bytes != [UInt8(writers[0] & 255), UInt8(round & 255)] { seen.keepsWinner = false }
        }
    }

    private func trySwap(_ seen: inout ProbeEvidence) throws(IOError) {
        let name = folder.object("counter")
        _ = try put("counter", Self.number(0), condition: .replacing, in: store)
        for form in [ServerAbilities.TagForm.quoted, .bare] where seen.tagForm == nil {
            do throws(IOError) {
                let store = swapping(store, form)
                let tag = try store.cell(name, max: 64)?.tag
                if try store.swap(name, Self.number(1), expecting: tag) != nil {
                    seen.tagForm = form
                    let stale = try store.swap(name, Self.number(2), expecting: tag)
                    let missing = try store.swap(
                        folder.object("missing"), Self.number(2), expecting: tag)
                    seen.ifTag = stale == nil && missing == nil ? .honoured : .ignored
                }
            } catch {
                guard error.errno == .notSupported else { throw error }
            }
        }
        guard let form = seen.tagForm else { return }
        _ = try put("counter", Self.number(0), condition: .replacing, in: store)
        let barrier = Barrier(writers)
        let results = Mutex<(done: Int, failure: IOError?)>((0, nil))
        let stores = stores.map { swapping($0, form) }
        Threads.run(writers) { writer in
            let store = stores[writer % stores.count]
            barrier.wait()
            for _ in 0..<rounds / 2 {
                do throws(IOError) {
                    guard let cell = try store.cell(name, max: 64) else { continue }
                    let next = Self.value(cell.bytes) + 1
                    if try store.swap(name, Self.number(next), expecting: cell.tag) != nil {
                        results.withLock { $0.done += 1 }
                    }
                } catch {
                    results.withLock { $0.failure = error }
                }
            }
        }
        let (done, failure) = results.withLock { $0 }
        if let failure { throw failure }
        seen.acknowledged = done
        seen.counted = Self.value(try store.cell(name, max: 64)?.bytes ?? [])
    }

    private func swapping(_ store: S3Store, _ form: ServerAbilities.TagForm) -> S3Store {
        S3Store(
            store.client,
            ServerAbilities(putsIfAbsent: true, swaps: form, ordersListings: true))
    }

    private static func number(_ value: Int) -> [UInt8] { Array("\(value)".utf8) }

    private static func value(_ bytes: [UInt8]) -> Int {
        Int(String(decoding: bytes, as: UTF8.self)) ?? 0
    }

    // MARK: Checks

    /// Whether bytes that are not those of their digest are refused, by each of two ways to say so.
    private func tryChecks(_ seen: inout ProbeEvidence) throws(IOError) {
        for check in [ProbeEvidence.Check.checksum, .payloadHash] {
            let name = folder.object("checked")
            var request = S3Request(
                operation: "write", kind: .put, method: "PUT", key: store.key(name),
                place: store.address(of: name))
            let bytes: [UInt8] = [1, 2, 3]
            request.digest = ChunkHasher.digest([9])
            if check == .checksum {
                request.headers = [request.checksum]
                request.digest = ChunkHasher.digest(bytes)
            }
            let reply = bytes.withUnsafeBytes { raw -> Result<S3Reply, IOError> in
                request.body = [raw]
                do throws(IOError) {
                    return .success(try store.client.sendOnce(request))
                } catch {
                    return .failure(error)
                }
            }
            if try reply.get().error != nil { seen.isChecked.append(check) }
        }
    }
}

/// Lets threads go on together.
private final class Barrier: @unchecked Sendable {
    // `monitor` guards all.
    private let monitor = Monitor()
    private let count: Int
    private var waiting = 0
    private var round = 0

    init(_ count: Int) { self.count = count }

    func wait() {
        monitor.withLock {
            waiting += 1
            let mine = round
            if waiting == count {
                (waiting, round) = (0, round + 1)
                monitor.wakeAll()
            }
            while round == mine { monitor.wait() }
        }
    }
}
