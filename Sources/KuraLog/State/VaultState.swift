package import KuraFormat
package import KuraIO

/// What the records of a log say together.
///
/// A value: `apply` makes the next state of it. Points, runs and all that can be many are read from
/// the pages of a checkpoint when they are asked for, so that opening a vault reads none of them.
package struct VaultState: LogFold {
    /// What is there from record 1 on.
    struct Head: Sendable, Equatable {
        var vault: UniqueID
        var position: LogPosition
        /// Number of failovers.
        var epoch: UInt64
        /// The region that decides.
        var activeRegion: UniqueID
        var settings: VaultBody
        var members: [UniqueID: MembersBody]
        var keys: [KeyID: CheckpointRoot.Key]
    }

    /// What does not come from the log.
    package struct View: Sendable {
        /// The region whose replicas are read: its members decide here. Nil: the active one.
        package var region: UniqueID?
        /// Root keys that a person accepted although the root key before did not sign for them.
        package var acceptedRoots: Set<KeyID>

        package init(region: UniqueID? = nil, acceptedRoots: Set<KeyID> = []) {
            self.region = region
            self.acceptedRoots = acceptedRoots
        }
    }

    /// A body that this code does not know.
    package struct Unknown: Equatable, Sendable {
        /// Number of the record.
        package var record: UInt64
        package var body: UnknownBody
    }

    package var view: View
    /// Nil before record 1.
    var head: Head?
    var points: StateTable
    /// Keys of `points` by id, and ids by the ids of what was copied.
    var names: StateTable
    var runs: StateTable
    var settings: StateTable
    var packs: StateTable
    var lost: StateTable
    var segments: StateTable
    var branches: StateTable

    /// Number of the record that named the members of a region, as far as it was read.
    var memberRecords: [UniqueID: UInt64] = [:]
    /// All keys that were ever admitted, as far as they were read.
    var knownKeys: [KeyID: PublicKeyBytes] = [:]
    /// The checkpoint that this state was read from.
    var origin: CheckpointBody?
    /// Whether a later record named that checkpoint: until then it does not count.
    package internal(set) var isOriginNamed = false
    /// The newest checkpoint that a record named, among those that were read.
    package internal(set) var checkpoint: CheckpointBody?
    /// The first body that this code does not know: nothing may be written after it.
    package internal(set) var unknown: Unknown?

    /// Holds of one point.
    package static let holdsMax = 64

    /// The state before record 1.
    package init(view: View = View()) {
        self.view = view
        points = StateTable(.points)
        names = StateTable(.names)
        runs = StateTable(.runs)
        settings = StateTable(.settings)
        packs = StateTable(.packs)
        lost = StateTable(.lost)
        segments = StateTable(.segments)
        branches = StateTable(.branches)
    }
}

// MARK: What it says of the vault

extension VaultState {
    /// Nil before record 1.
    package var vault: UniqueID? { head?.vault }
    package var position: LogPosition? { head?.position }
    package var epoch: UInt64 { head?.epoch ?? 0 }
    package var activeRegion: UniqueID? { head?.activeRegion }
    package var vaultSettings: VaultBody? { head?.settings }
    /// Admitted keys with their rights, and where they were admitted.
    package var keys: [CheckpointRoot.Key] {
        (head?.keys.values).map { Array($0) } ?? []
    }

    package func members(of region: UniqueID) -> [UniqueID] {
        head?.members[region]?.replicas ?? []
    }

    /// The region whose members decide the next record here.
    private var decidingRegion: UniqueID? { view.region ?? head?.activeRegion }

    /// Ids of the replicas that decide the next record here; empty before record 1.
    package var members: [UniqueID] { decidingRegion.map { members(of: $0) } ?? [] }

    /// Number of the record that named `members`. Where only a checkpoint after it was read, the
    /// number of that: their log is whole from 1 to either.
    package var membersNumber: UInt64 {
        decidingRegion.flatMap { memberRecords[$0] } ?? origin?.number ?? 0
    }

    /// The public key of a signer whose records and decisions count as the next number; nil where
    /// it has none. The root key always may.
    package func key(of signer: KeyID, for record: LogRecord) -> PublicKeyBytes? {
        guard let head else {
            guard case .vault(let body) = record.bodies.first, KeyID(of: body.rootKey) == signer
            else { return nil }
            return body.rootKey
        }
        if let key = head.keys[signer] { return key.body.key }
        if KeyID(of: head.settings.rootKey) == signer { return head.settings.rootKey }
        // Where everything was lost, a root key that a person accepted begins anew.
        for case .rekey(let body) in record.bodies where KeyID(of: body.rootKey) == signer {
            return view.acceptedRoots.contains(signer) ? body.rootKey : nil
        }
        return nil
    }

    /// The public key of a signer that was ever admitted, as far as the log was read.
    package func knownKey(of signer: KeyID) -> PublicKeyBytes? { knownKeys[signer] }
}

// MARK: Points

extension VaultState {
    /// Points, dropped ones included.
    package var pointCount: UInt64 { points.count }

    func name(of point: RecoveryPointID) throws(KuraError) -> NameEntry? {
        guard let entry = try names.entry(point.bytes) else { return nil }
        return try decoding { () throws(FormatError) in try NameEntry(entry) }
    }

    /// A point, dropped or not; nil for one that is not known or forgotten.
    package func point(_ id: RecoveryPointID) throws(KuraError) -> PointEntry? {
        guard let key = try name(of: id)?.pointKey, let entry = try points.entry(key) else {
            return nil
        }
        return try decoding { () throws(FormatError) in try PointEntry(entry) }
    }

    /// The id in the vault that a point was copied from.
    package func original(of point: RecoveryPointID) throws(KuraError) -> RecoveryPointID? {
        try name(of: point)?.original
    }

    /// The points that were copied from a point of another vault.
    package func copies(of original: RecoveryPointID) throws(KuraError) -> [RecoveryPointID] {
        try names.all(from: original.bytes, to: original.bytes.prefixEnd) { NameEntry.copy($0) }
            .compactMap { $0 }
    }

    /// Calls `body` for each point, by item, then by sequence, until it says false.
    ///
    /// - Parameters:
    ///   - item: nil for all.
    ///   - newestFirst: from the last item and the highest sequence down.
    package func visitPoints(
        of item: String? = nil, newestFirst: Bool = false,
        _ body: (PointEntry) throws(KuraError) -> Bool
    ) throws(KuraError) {
        let prefix = item.map { PointEntry.keyPrefix(item: $0) } ?? []
        try points.visit(from: prefix, to: prefix.prefixEnd, backwards: newestFirst) {
            entry throws(KuraError) in
            try body(try decoding { () throws(FormatError) in try PointEntry(entry) })
        }
    }

    /// The live point of an item with the highest sequence.
    package func newestPoint(of item: String) throws(KuraError) -> PointEntry? {
        var newest: PointEntry?
        try visitPoints(of: item, newestFirst: true) { point throws(KuraError) in
            if point.drop == nil { newest = point }
            return newest == nil
        }
        return newest
    }
}

// MARK: Objects and settings

extension VaultState {
    package var runCount: UInt64 { runs.count }

    package func run(_ id: RunID) throws(KuraError) -> RunEntry? {
        guard let entry = try runs.entry(id.bytes) else { return nil }
        return try decoding { () throws(FormatError) in try RunEntry(entry) }
    }

    /// Live runs, by name. Lost ones are among them.
    package func liveRuns() throws(KuraError) -> [RunEntry] {
        try runs.all { entry throws(FormatError) in try RunEntry(entry) }
    }

    /// Nil for a pack that is needed, was deleted, or was never there: the log does not list packs
    /// that are not on their way out.
    package func pack(_ id: PackID) throws(KuraError) -> PackEntry? {
        guard let entry = try packs.entry(id.bytes) else { return nil }
        return try decoding { () throws(FormatError) in try PackEntry(entry) }
    }

    /// Condemned and swept packs, by name.
    package func outgoingPacks() throws(KuraError) -> [PackEntry] {
        try packs.all { entry throws(FormatError) in try PackEntry(entry) }
    }

    package func setting(_ subject: String) throws(KuraError) -> SettingEntry? {
        guard let entry = try settings.entry(Array(subject.utf8)) else { return nil }
        return try decoding { () throws(FormatError) in try SettingEntry(entry) }
    }

    /// Settings whose subjects begin with `prefix`, by subject.
    package func settings(_ prefix: String = "") throws(KuraError) -> [SettingEntry] {
        let lower = Array(prefix.utf8)
        return try settings.all(from: lower, to: lower.prefixEnd) {
            entry throws(FormatError) in try SettingEntry(entry)
        }
    }

    /// An object that was given up; nil for another.
    package func lost(_ object: LostBody.Object) throws(KuraError) -> LostEntry? {
        guard let entry = try lost.entry(object.key) else { return nil }
        return try decoding { () throws(FormatError) in try LostEntry(entry) }
    }

    /// All objects that were given up and are not gone.
    package func lostObjects() throws(KuraError) -> [LostEntry] {
        try lost.all { entry throws(FormatError) in try LostEntry(entry) }
    }

    /// Digests of the last records of whole segments, by number.
    package func segmentEnds() throws(KuraError) -> [SegmentEntry] {
        try segments.all { entry throws(FormatError) in try SegmentEntry(entry) }
    }

    /// Branches that were adopted, by the number of their tips.
    package func adoptedBranches() throws(KuraError) -> [BranchEntry] {
        try branches.all { entry throws(FormatError) in try BranchEntry(entry) }
    }
}

extension LostBody.Object {
    var key: [UInt8] { LostEntry(object: self, number: 1).entry.key }
}
