package import KuraIO

/// The objects that records list: packs and index runs. The log knows them by its caller alone.
package protocol LogObjects<State>: Sendable {
    associatedtype State: LogFold

    /// Copies to a replica every object that a state needs and that it does not have, durably. A
    /// pack that is condemned is still needed.
    /// - Returns: whether the replica has all of them now; false where no replica in reach has one.
    func copy(
        neededBy state: State, to replica: LogReplica, from others: [LogReplica]
    ) throws(KuraError) -> Bool
}
