package import KuraFormat
package import KuraIO
package import KuraReplicas

/// The objects of one vault's log in one replica.
///
/// Every call blocks and is safe from any thread. What is read is decoded, and compared with its
/// name and the vault; signatures are `LogSeal`'s.
package struct LogReplica: Sendable {
    /// Reads the id of the replica that a store holds. Throws `not found` where it holds none.
    package typealias Identify = @Sendable (_ store: any Store) throws(IOError) -> UniqueID

    package let store: any Store
    /// The id that the replica had when it was opened.
    package let id: UniqueID
    package let names: LogNames
    /// Owner of the drafts that this program writes.
    private let session: UniqueID
    private let identify: Identify
    /// How often a put is tried whose answer is lost.
    private static let triesMax = 3
    private static let segmentBytesMax =
        Segment.Table.byteCount + Limits.segmentRecordsMax * DecidedRecord.byteCountMax
        + Digest.byteCount

    /// Opens the log in a store, and reads the id of the replica.
    package init(
        _ store: any Store, vault: UniqueID, session: UniqueID,
        identify: @escaping Identify = LogReplica.recordedIdentity
    ) throws(IOError) {
        id = try identify(store)
        self.store = store
        names = LogNames(vault)
        self.session = session
        self.identify = identify
    }

    package var place: String { store.place }

    /// Makes the folders of the log, durably.
    package func prepare() throws(IOError) {
        for folder in names.all { try store.prepare(folder) }
    }

    // MARK: Reading

    private func bytes(_ name: StoreName, max: Int) -> Answer<[UInt8]> {
        do throws(IOError) {
            return .there(try store.contents(name, max: max))
        } catch {
            if error.isNotFound { return .missing }
            guard error.isTooLong else { return .silent(error) }
            return .damaged(KuraError(.damaged, "\(store.address(of: name)) is too long"))
        }
    }

    private func damaged(_ name: StoreName, _ what: String) -> KuraError {
        KuraError(.damaged, "\(store.address(of: name)) is damaged: \(what)")
    }

    /// What stands in `log/`, whatever the segment says. `record` reads both.
    func log(_ number: UInt64) -> Answer<DecidedRecord> {
        let name = names.log(number)
        let answer = bytes(name, max: DecidedRecord.byteCountMax)
            .decoded(at: store.address(of: name), DecidedRecord.decode)
        guard let decided = answer.value else { return answer }
        guard decided.number == number else {
            return .damaged(damaged(name, "it is record \(decided.number)"))
        }
        return answer
    }

    /// The segment that a number is in. Its records follow each other.
    func segment(of number: UInt64) -> Answer<Segment> {
        let name = names.segment(of: number)
        let answer = bytes(name, max: Self.segmentBytesMax)
            .decoded(at: store.address(of: name), Segment.decode)
        guard let segment = answer.value else { return answer }
        guard segment.first == Segment.first(of: number) else {
            return .damaged(damaged(name, "it begins with record \(segment.first)"))
        }
        return answer
    }

    /// The record that is decided as a number, as this replica has it: its segment holds, where
    /// there is one, whatever stands in `log/`.
    package func record(_ number: UInt64) -> Answer<DecidedRecord> {
        let log = log(number)
        if case .silent = log { return log }
        switch segment(of: number) {
        case .there(let segment): return .there(segment[number])
        case .missing: return log
        case .damaged(let error): return .damaged(error)
        case .silent(let error): return .silent(error)
        }
    }

    /// Like `record`, for one record alone: of a segment, only its table and this record are read.
    /// What is not the right one cannot be told from it here: the chain is not followed.
    package func single(_ number: UInt64) -> Answer<DecidedRecord> {
        switch packed(number) {
        case .missing: log(number)
        case let answer: answer
        }
    }

    /// A record by the table of its segment.
    private func packed(_ number: UInt64) -> Answer<DecidedRecord> {
        let name = names.segment(of: number)
        let place = store.address(of: name)
        let reader: any ObjectReader
        do throws(IOError) {
            reader = try store.open(name)
        } catch {
            return error.isNotFound ? .missing : .silent(error)
        }
        let table = bytes(0..<Segment.Table.byteCount, of: reader)
            .decoded(at: place, Segment.Table.decode)
        return table.then { table -> Answer<DecidedRecord> in
            guard let range = table.range(of: number) else {
                return .damaged(damaged(name, "it begins with record \(table.first)"))
            }
            return bytes(range, of: reader).decoded(at: place, DecidedRecord.decode)
        }.then { decided -> Answer<DecidedRecord> in
            guard decided.number == number else {
                return .damaged(damaged(name, "it has record \(decided.number) as \(number)"))
            }
            return .there(decided)
        }
    }

    /// - Parameter range: of a length that was checked. What is behind the end is left out.
    private func bytes(_ range: Range<Int>, of reader: any ObjectReader) -> Answer<[UInt8]> {
        var failure: IOError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { target, count in
            do throws(IOError) {
                count = try reader.read(
                    at: UInt64(range.lowerBound), into: UnsafeMutableRawBufferPointer(target))
            } catch {
                failure = error
            }
        }
        return failure.map { .silent($0) } ?? .there(bytes)
    }

    func vote(_ bytes: [UInt8], of number: UInt64, _ ballot: UInt32) -> Answer<Vote> {
        Answer.there(bytes)
            .decoded(at: store.address(of: names.vote(number, ballot)), Vote.decode)
    }

    func mark(_ number: UInt64) -> Answer<WholeMark> {
        let name = names.mark(id, number)
        return bytes(name, max: SealedRecord.byteCountMax)
            .decoded(at: store.address(of: name), WholeMark.decode)
    }

    /// The id that the replica has now.
    func identity() -> Answer<UniqueID> {
        do throws(IOError) {
            return .there(try identify(store))
        } catch {
            return error.isNotFound ? .missing : .silent(error)
        }
    }

    // MARK: Lists

    /// Numbers of the records in `log/`, ascending.
    package func logNumbers() throws(IOError) -> [UInt64] {
        try store.namesIfPresent(in: names.logs)
            .compactMap { $0.contains(".") ? nil : LogNames.number(of: $0) }.sorted()
    }

    /// The first numbers of the segments, ascending.
    package func segmentNumbers() throws(IOError) -> [UInt64] {
        try store.namesIfPresent(in: names.segments).compactMap { LogNames.number(of: $0) }
            .filter { LogNames.range(of: $0).lowerBound == $0 }.sorted()
    }

    /// Votes, blanks and claims of some numbers.
    func votes(of isMeant: (UInt64) -> Bool) throws(IOError) -> [StoreName] {
        try store.namesIfPresent(in: names.votes).sorted()
            .filter { leaf in LogNames.number(of: leaf).map(isMeant) ?? false }
            .map { names.votes.object($0) }
    }

    /// Numbers of the marks with this replica's id, ascending.
    package func markNumbers() throws(IOError) -> [UInt64] {
        try store.namesIfPresent(in: names.marks).compactMap { leaf in
            LogNames.mark(of: leaf).flatMap { $0.replica == id ? $0.number : nil }
        }.sorted()
    }

    // MARK: Writing

    /// Puts an object where none stands. Where the answer is lost, the same is put again.
    func put(_ name: StoreName, _ bytes: [UInt8]) -> PutAnswer {
        var triesLeft = Self.triesMax
        while true {
            triesLeft -= 1
            do throws(IOError) {
                let outcome = try store.put(name, bytes, condition: .ifAbsent, by: session)
                return outcome == .existed(isEqual: false) ? standing(name) : .took
            } catch {
                guard error.isOutcomeUnknown || error.isTimedOut, triesLeft > 0 else {
                    return .silent(error)
                }
            }
        }
    }

    private func standing(_ name: StoreName) -> PutAnswer {
        switch bytes(name, max: Self.segmentBytesMax) {
        case .there(let bytes): .stands(bytes)
        case .missing: .removed
        // It is too long for any object of a log.
        case .damaged: .stands([])
        case .silent(let error): .silent(error)
        }
    }

    /// Puts a record that is known to be decided in the place of one that is damaged.
    func replace(_ name: StoreName, _ bytes: [UInt8]) throws(KuraError) {
        _ = try withKuraErrors { try store.put(name, bytes, condition: .replacing, by: session) }
    }

    func delete(_ names: [StoreName]) throws(IOError) { try store.delete(names) }
}

extension Segment {
    /// The record with a number that is in this segment.
    subscript(number: UInt64) -> DecidedRecord { records[Int(number - first)] }
}
