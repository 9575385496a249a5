internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension LogReplica {
    /// The id in the identity file of a replica.
    package static let recordedIdentity: Identify = { store throws(IOError) in
        let bytes = try store.contents(Layout.replicaRecord, max: SealedRecord.byteCountMax)
        do throws(FormatError) {
            return try ReplicaRecord.decode(bytes).id
        } catch {
            // Which replica it is, is not known: that is no answer.
            throw .failed("read", place: store.address(of: Layout.replicaRecord))
        }
    }
}
