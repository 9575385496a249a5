/// Which replicas of a region decide, by their ids: from the next record on.
public struct MembersBody: Equatable, Sendable {
    public var region: UniqueID
    /// 1...`Limits.replicasMax`, none twice, none of zeros.
    public var replicas: [UniqueID]

    public init(region: UniqueID, replicas: [UniqueID]) {
        self.region = region
        self.replicas = replicas
    }
}

extension MembersBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.uniqueID(region)
        open.longList(replicas) { $0.uniqueID($1) }
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        region = try open.uniqueID()
        replicas = try open.longList(
            "members", max: Limits.replicasMax, elementBytes: UniqueID.byteCount
        ) { reader throws(FormatError) in try reader.uniqueID() }
        guard !replicas.isEmpty, Set(replicas).count == replicas.count,
            !replicas.contains(.zero)
        else { throw open.invalid("members") }
    }
}
