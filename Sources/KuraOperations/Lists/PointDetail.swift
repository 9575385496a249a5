public import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import KuraStore
internal import KuraVault

/// One recovery point with all that is known of its copies.
public struct PointDetail: Sendable {
    /// A replica of the region that the point was read from.
    public struct Replica: Sendable {
        public var region: String
        /// 0, 1 or 2.
        public var ordinal: Int
        public var path: String
        /// Whether the replica can be used now.
        public var isAvailable: Bool
        public var holdsPoint: Bool
    }

    /// The copy in one replica of one region.
    public struct Copy: Sendable {
        public enum State: String, Sendable {
            case here
            case missing
            /// The replica cannot be used now.
            case unreachable
        }

        public var region: String
        /// 0, 1 or 2.
        public var ordinal: Int
        public var path: String
        public var state: State
        /// Since when it is durable there, in nanoseconds since 1970; nil without a receipt.
        public var durable: Int64?
        /// How it came there; nil without a receipt.
        public var arrival: Arrival?
        /// When everything that the point needs was last read in full there and found good, in
        /// nanoseconds since 1970; nil for never.
        public var lastFullRead: Int64?
    }

    public var report: PointReport
    public var replicas: [Replica]
    /// In both regions, the active one first.
    public var copies: [Copy]
    /// Name of the region that takes backups.
    public var activeRegion: String
    /// Bytes that would be free without the point, in each replica; nil where not asked for.
    public var uniqueBytes: UInt64?
    /// Why the active region was not read; nil when it was.
    public var notice: String?
}

extension Operations {
    /// Everything about one recovery point.
    /// - Parameters:
    ///   - reference: an id, its first digits, or ITEM@latest.
    ///   - vault: the only vault that is searched; nil for all.
    ///   - measuresUnique: whether `uniqueBytes` is measured, which reads the tree of every point.
    public func recoveryPoint(
        _ reference: String, in vault: String? = nil, measuresUnique: Bool = false
    ) throws(KuraError) -> PointDetail {
        let found = try subscription.recoveryPoint(reference, in: vault)
        let (vault, id) = (found.vault, found.id)
        let place = subscription.place(of: vault)
        let copies = subscription.copies(of: id, in: vault)
        let holders = try vault.holders(of: .point(id))
        let uniqueBytes: UInt64? =
            if measuresUnique {
                try vault.uniqueBytes(of: id, cancellation: context.cancellation)
            } else {
                nil
            }
        return PointDetail(
            report: PointReport(
                vault: vault.record.name, copies: Int(vault.record.copies), id: id,
                point: found.point, holders: holders, expires: subscription.expiry(of: found)),
            replicas: vault.region.replicas.prefix(Int(vault.record.copies)).map { replica in
                PointDetail.Replica(
                    region: vault.region.name, ordinal: replica.ordinal, path: replica.place,
                    isAvailable: vault.region.problems[replica.ordinal] == nil,
                    holdsPoint: holders.contains(replica.ordinal))
            },
            copies: copies.map(PointDetail.Copy.init), activeRegion: place.activeName,
            uniqueBytes: uniqueBytes, notice: place.notice)
    }
}

extension PointDetail.Copy {
    fileprivate init(_ copy: PointCopy) {
        region = copy.region
        ordinal = copy.ordinal
        path = copy.place
        state =
            switch copy.state {
            case .here: .here
            case .missing: .missing
            case .unreachable: .unreachable
            }
        durable = copy.receipt?.time
        arrival = copy.receipt?.arrival
        lastFullRead = copy.lastFullRead
    }
}
