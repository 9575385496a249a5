import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import Testing

extension World {
    /// What always holds, looked up in all replicas as they are now.
    /// - Parameters:
    ///   - isWhole: whether the copies that were counted must still be there.
    ///   - isRead: whether what was decided and not acknowledged must be in a log already; its
    ///     votes are enough for the next writer.
    func expectSound(
        isWhole: Bool = true, isRead: Bool = true, _ comment: Comment? = nil,
        at place: SourceLocation = #_sourceLocation
    ) throws {
        let reading = try readAll()
        let state = reading.tip.state
        let digests = state.digests
        for commit in committed {
            let number = Int(commit.position.number)
            if !isRead, !commit.isAcknowledged, number > digests.count { continue }
            try #require(number <= digests.count, comment, sourceLocation: place)
            #expect(digests[number - 1] == commit.position.digest, comment, sourceLocation: place)
        }
        for index in places.indices {
            try expectSound(index, state, isWhole: isWhole, comment, place)
        }
    }

    private func expectSound(
        _ index: Int, _ state: TestFold, isWhole: Bool, _ comment: Comment?,
        _ place: SourceLocation
    ) throws {
        let replica = try replica(index)
        let mark = try replica.mark(seal(), state)
        let own = try LogReader<TestFold>(seal()).read(from: .empty, in: [replica]).tip
        #expect(
            own.state.digests.elementsEqual(state.digests.prefix(own.state.digests.count)),
            comment, sourceLocation: place)
        #expect(mark.number <= own.position.number, comment, sourceLocation: place)
        // What stands behind a gap is decided, too.
        for number in try replica.logNumbers() where number > own.position.number {
            #expect(
                replica.record(number).value?.record.digest == state.digests[Int(number) - 1],
                comment, sourceLocation: place)
        }
        if mark.number > 0, !state.needed.isEmpty {
            for object in try self.state(upTo: mark.number).needed {
                let isThere = try replica.store.exists(TestObjects.name(object, replica))
                #expect(isThere, comment, sourceLocation: place)
            }
        }
        guard isWhole else { return }
        for commit in committed where commit.copies.contains(replica.id) {
            #expect(mark.number >= commit.position.number, comment, sourceLocation: place)
        }
    }

    private func state(upTo number: UInt64) throws -> TestFold {
        var state = TestFold()
        for number in 1...number {
            for index in places.indices {
                guard let record = try replica(index).record(number).value else { continue }
                try state.apply(record.record)
                break
            }
        }
        return state
    }

    /// Whether a program that comes later can write, and finds all that was committed.
    func expectGoesOn(
        isWhole: Bool = true, _ comment: Comment? = nil, at place: SourceLocation = #_sourceLocation
    ) throws {
        let log = open(Program(TestKey(3)))
        _ = try log.read()
        let commit = try log.add("the last", required: 1, in: self)
        #expect(commit?.isAcknowledged == true, comment, sourceLocation: place)
        try expectSound(isWhole: isWhole, comment, at: place)
    }

    /// Keys of objects in one folder of the vault, in one replica.
    func names(_ folder: String, in index: Int) throws -> [String] {
        try replica(index).store.namesIfPresent(in: StoreFolder("vaults/\(vault.hex)/\(folder)"))
            .sorted()
    }
}

/// The cause of an error, where it is one of the log.
func fault(_ body: () throws -> Void) -> LogFault? {
    do {
        try body()
        return nil
    } catch {
        return (error as? KuraError)?.cause as? LogFault
    }
}

func digits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: 20 - digits.count) + digits
}
