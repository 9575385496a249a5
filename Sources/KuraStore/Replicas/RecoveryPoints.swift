public import KuraFormat
public import KuraIO
internal import KuraLog
internal import KuraReplicas
internal import Synchronization

extension Vault {
    /// Ids of every recovery point that any usable replica holds, ascending, without those that
    /// were dropped. The points themselves are not read.
    public func recoveryPointIDs() throws(KuraError) -> [RecoveryPointID] {
        if let state = try state() { return try state.livePoints().map(\.id).sorted() }
        return try heldBy().keys.sorted()
    }

    /// Throws `notFound` for a point that was dropped.
    public func recoveryPoint(_ id: RecoveryPointID) throws(KuraError) -> RecoveryPoint {
        if let log = try openedLog() {
            guard let entry = try log.state().point(id), entry.drop == nil else {
                throw KuraError(.notFound, "recovery point \(id.short) is not in the vault")
            }
            return try log.point(entry).point
        }
        return try read(.point(id), max: SealedRecord.byteCountMax) { bytes, _ in
            let (point, seal) = try RecoveryPoint.decode(bytes)
            guard seal == id else { throw FormatError.checksumMismatch(.recoveryPoint) }
            guard point.vault == self.id else {
                throw FormatError.invalidField(.recoveryPoint, field: "vault")
            }
            return point
        }
    }

    /// Every recovery point of which there is a good copy, in the order of `isNewer`. One without a
    /// good copy is left out and recorded in `damage`, so that the others can be shown. What
    /// removes what no point needs must ask `recoveryPointIDs` instead.
    public func recoveryPoints() throws(KuraError) -> [(
        id: RecoveryPointID, point: RecoveryPoint
    )] {
        try recoveryPoints(recoveryPointIDs())
    }

    /// Whether a point could not be read or followed only because it was dropped after it was
    /// listed.
    /// - Parameter error: of reading or following the point.
    func isDropped(_ id: RecoveryPointID, _ error: KuraError) -> Bool {
        guard error.code == .notFound || error.code == .damaged else { return false }
        do throws(KuraError) {
            if let state = try state() { return try state.point(id).map { $0.drop != nil } ?? true }
            return try droppedPoints().contains(id)
        } catch {
            return false
        }
    }

    /// From as many points on, several threads read them.
    private static let pointsReadAtOnceMin = 1024

    /// Like `recoveryPoints()`, for these points alone.
    public func recoveryPoints(
        _ ids: some Collection<RecoveryPointID>
    ) throws(KuraError) -> [(id: RecoveryPointID, point: RecoveryPoint)] {
        let ids = Array(ids)
        // Opening files takes the time, so vaults with many points are read by several threads.
        let threads = ids.count < Self.pointsReadAtOnceMin ? 1 : budget.threads
        let found = Mutex<[(id: RecoveryPointID, point: RecoveryPoint)]>([])
        let failure = Mutex<KuraError?>(nil)
        Threads.run(threads) { [self] number in
            var mine: [(id: RecoveryPointID, point: RecoveryPoint)] = []
            for index in stride(from: number, to: ids.count, by: threads) {
                do throws(KuraError) {
                    mine.append((ids[index], try recoveryPoint(ids[index])))
                } catch {
                    if error.code == .damaged || isDropped(ids[index], error) { continue }
                    failure.withLock { $0 = $0 ?? error }
                    return
                }
            }
            found.withLock { [mine] in $0 += mine }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        let points = found.withLock { $0 }
        return points.sorted { Self.isNewer($0, $1) }
    }

    /// The order in which points are shown: newest first; two points of one item by their
    /// sequence, also where the clock went back between them.
    public static func isNewer(
        _ left: (id: RecoveryPointID, point: RecoveryPoint),
        _ right: (id: RecoveryPointID, point: RecoveryPoint)
    ) -> Bool {
        if left.point.item == right.point.item, left.point.sequence != right.point.sequence {
            return left.point.sequence > right.point.sequence
        }
        if left.point.time != right.point.time { return left.point.time > right.point.time }
        return left.id < right.id
    }

    /// Ordinals of the replicas that hold the file of each recovery point, ascending. A point in
    /// fewer than `record.copies` of them is under-replicated: a replica is away, has failed, or
    /// has not caught up yet.
    public func pointHolders() throws(KuraError) -> [RecoveryPointID: [Int]] {
        // One bit for each replica: lists of ordinals are made once for each set of replicas.
        if let log = try openedLog() { return try heldPoints(of: log) }
        return try heldBy().mapValues { Self.ordinals[Int($0)] }
    }

    /// A replica holds a point that came with a record to which it is whole.
    private func heldPoints(of log: OpenedLog) throws(KuraError) -> [RecoveryPointID: [Int]] {
        let marks = try log.marks(of: replicas)
        var held: [RecoveryPointID: [Int]] = [:]
        for point in try log.state().livePoints() {
            held[point.id] = marks.filter { $0.value >= point.number }.keys.sorted()
        }
        return held
    }

    private static let ordinals: [[Int]] = (0..<1 << Limits.replicasMax).map { bits in
        (0..<Limits.replicasMax).filter { bits >> $0 & 1 == 1 }
    }

    /// Per point that was not dropped, a bit for each replica that holds its file.
    private func heldBy() throws(KuraError) -> [RecoveryPointID: UInt8] {
        // All replicas at once: there may be very many names.
        let folder = Layout.vault(id).folder(Layout.points)
        let lists = Threads.map(replicas.count) { number in
            Result { () throws(IOError) in
                try replicas[number].store.names(in: folder)
                    .compactMap { RecoveryPointID(hex: $0) }
            }
        }
        let found = Dictionary(uniqueKeysWithValues: zip(replicas.map(\.ordinal), lists))
        var bits: [RecoveryPointID: UInt8] = [:]
        try eachReplica(folder) { replica throws(IOError) in
            try found[replica.ordinal]!.get()
        } body: {
            if bits.isEmpty { bits.reserveCapacity($0.count) }
            for id in $0 { bits[id, default: 0] |= 1 << $1.ordinal }
        }
        // Listed after the points: one that is dropped in between is left out, too.
        for id in try droppedPoints() where bits[id] != nil {
            if try hasGoodTombstone(id) { bits[id] = nil }
        }
        return bits
    }

    /// Whether some replica has a good tombstone of a point. A damaged one does not prove that the
    /// point was dropped.
    func hasGoodTombstone(_ id: RecoveryPointID) throws(KuraError) -> Bool {
        do throws(KuraError) {
            let file = VaultFile.dropped(id)
            try read(file, max: SealedRecord.byteCountMax) { bytes, _ in
                try file.check(bytes, self.record)
            }
            return true
        } catch {
            guard error.code == .damaged else { throw error }
            return false
        }
    }

    /// Ids of the points for which any replica has a tombstone; the tombstones are not read: see
    /// `hasGoodTombstone`. A point with a good one does not exist, although a replica that was away
    /// may still have its file.
    public func droppedPoints() throws(KuraError) -> Set<RecoveryPointID> {
        Set(try listIfPresent(Layout.dropped).keys.compactMap { RecoveryPointID(hex: $0) })
    }
}
