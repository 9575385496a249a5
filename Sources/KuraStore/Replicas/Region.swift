public import KuraFormat
public import KuraIO
public import KuraReplicas

/// A region, opened: its one to three replicas, and which of them can be used.
public final class Region: Sendable {
    public let id: UniqueID
    public let name: String
    public let replicas: [Replica]
    /// Per replica, why it cannot be used; nil where it can.
    public let problems: [KuraError?]
    /// Source of the times that are written into the region.
    public let clock: WallClock
    /// Threads and memory that an operation may use where its request does not say.
    public let budget: Budget
    /// How long, and with which cancellation, an operation waits for locks.
    public let waits: WaitPolicy
    /// With which key, and in whose name, the logs of its vaults are used; nil: a vault with a log
    /// counts as one of a newer Kura.
    public let access: LogAccess?
    /// Logs of vaults that were opened.
    let logs: OpenedLogs

    /// Opens a region. A replica that is missing, belongs elsewhere or is not trusted becomes one
    /// of `problems`, not an error.
    /// - Parameter stores: one for each replica, by ordinal; 1 to `Limits.replicasMax`.
    public init(
        id: UniqueID, name: String, stores: [any Store], clock: WallClock = .system,
        budget: Budget = Budget(), waits: WaitPolicy = WaitPolicy(), access: LogAccess? = nil
    ) {
        precondition(1...Limits.replicasMax ~= stores.count)
        self.id = id
        self.name = name
        self.clock = clock
        self.budget = budget
        self.waits = waits
        self.access = access
        logs = OpenedLogs()
        let replicas = stores.enumerated().map { ordinal, store in
            Replica(ordinal: ordinal, regionName: name, store: store)
        }
        self.replicas = replicas
        problems = replicas.map { replica in
            do throws(KuraError) {
                try replica.identify(as: id)
                return nil
            } catch {
                return error
            }
        }
    }

    private init(_ other: Region, clock: WallClock, budget: Budget, waits: WaitPolicy) {
        id = other.id
        name = other.name
        replicas = other.replicas
        problems = other.problems
        self.clock = clock
        self.budget = budget
        self.waits = waits
        access = other.access
        logs = other.logs
    }

    /// The same opened region with the clock, budget and waits of one request. Reads nothing.
    public func with(clock: WallClock, budget: Budget, waits: WaitPolicy) -> Region {
        Region(self, clock: clock, budget: budget, waits: waits)
    }

    /// Replicas that can be used now.
    public var available: [Replica] {
        replicas.filter { problems[$0.ordinal] == nil }
    }

    /// Why the first replica cannot be used, with what helps where none of them can; nil for a
    /// region with a replica that can.
    public var obstacle: KuraError? {
        guard available.isEmpty, let problem = problems.compactMap(\.self).first else { return nil }
        guard problem.code == .replicaMissing else { return problem }
        // Filling an empty directory would need another replica.
        return KuraError(
            problem.code, problem.message,
            remedy: .anyOf([.advice("mount its disks"), .advice("correct their paths")]))
    }

    /// The newest record of every vault of which a usable replica has a good one, by name. Throws
    /// where there are none but vaults without a good record, or replicas that cannot say.
    public func vaults() throws(KuraError) -> [VaultRecord] {
        let found = try survey()
        if found.records.isEmpty,
            let problem = found.unreadable.values.first ?? found.problems.first
        {
            throw problem
        }
        return found.records.values.compactMap(\.first).sorted { $0.name < $1.name }
    }

    /// What the usable replicas of a region say about its vaults.
    public struct Survey: Sendable {
        /// Per vault, the records with the highest revision that a replica holds: one, unless two
        /// writers replaced the record at the same time without seeing each other.
        public var records: [UniqueID: [VaultRecord]] = [:]
        /// Per vault of which no replica has a good record, why: `unsupported` for a record of a
        /// newer version, or one that needs a feature which this Kura does not know.
        public var unreadable: [UniqueID: KuraError] = [:]
        /// Why usable replicas cannot say which vaults they hold: these may hold more.
        public var problems: [KuraError] = []
    }

    /// Reads the record of every vault in every usable replica. Throws where none of these replicas
    /// can say which vaults it holds.
    public func survey() throws(KuraError) -> Survey {
        var found = Survey()
        var logged: Set<UniqueID> = []
        for replica in available {
            do throws(IOError) {
                for name in try replica.store.names(in: Layout.vaults) {
                    guard let id = UniqueID(hex: name) else { continue }
                    if look(at: id, in: replica, &found) == .log { logged.insert(id) }
                }
            } catch {
                found.problems.append(KuraError(io: error))
            }
        }
        if let problem = found.problems.first, found.problems.count == available.count {
            throw problem
        }
        for id in logged { look(at: id, &found) }
        for id in found.records.keys { found.unreadable[id] = nil }
        return found
    }

    /// What says what a vault is.
    private enum Truth { case record, log }

    /// Adds the record of a vault in a replica, or why it cannot be read there.
    private func look(
        at id: UniqueID, in replica: Replica, _ found: inout Survey
    ) -> Truth {
        do {
            do {
                guard let record = try record(of: id, in: replica) else { return .log }
                found.records[id, default: []].keepNewest(record)
            } catch let error as IOError where error.isNotFound {
                // A vault whose creation did not get as far as its record does not exist.
                if try holdsPoints(of: id, replica) { throw error }
            }
        } catch let error as FormatError {
            let place = replica.store.address(of: VaultFile.record.name(in: id))
            found.unreadable[id] = found.unreadable[id] ?? KuraError(format: error, at: place)
        } catch {
            found.unreadable[id] = found.unreadable[id] ?? KuraError(error)
        }
        return .record
    }

    /// Adds a vault of which some replica says that it has a log. The log is believed, whatever
    /// records of version 1 stand beside it.
    private func look(at id: UniqueID, _ found: inout Survey) {
        do throws(KuraError) {
            let log = try logs.log(of: id, in: self)
            found.records[id] = [try log.state().record(created: log.created)]
        } catch {
            found.unreadable[id] = error
        }
    }

    /// - Returns: nil for a vault with a log that this program may use.
    private func record(of id: UniqueID, in replica: Replica) throws -> VaultRecord? {
        let bytes = try replica.store.contents(
            VaultFile.record.name(in: id), max: SealedRecord.byteCountMax)
        do throws(FormatError) {
            let record = try VaultRecord.decode(bytes)
            guard record.id == id else { throw .invalidField(.vault, field: "id") }
            return record
        } catch {
            guard access != nil, case .unsupportedVersion = error else { throw error }
            guard try VaultIdentity.decode(bytes).id == id else {
                throw FormatError.invalidField(.vaultIdentity, field: "id")
            }
            return nil
        }
    }

    private func holdsPoints(of id: UniqueID, _ replica: Replica) throws(IOError) -> Bool {
        let folder = Layout.vault(id).folder(Layout.points)
        return try replica.store.namesIfPresent(in: folder).contains {
            RecoveryPointID(hex: $0) != nil
        }
    }
}

extension [VaultRecord] {
    /// Adds a record unless it is here already or older than those here; a newer one replaces them.
    /// All records are of one vault and of one revision.
    public mutating func keepNewest(_ record: VaultRecord) {
        guard let known = first else { return append(record) }
        if record.revision > known.revision { self = [record] }
        if record.revision == known.revision, !contains(record) { append(record) }
    }
}
