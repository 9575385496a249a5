public import KuraIO
internal import KuraReplicas
internal import KuraStore
public import KuraVault

/// What can be done with a subscription, on behalf of one caller: the one door for the command
/// line, the scheduler and a server.
///
/// Each operation is one function in a file of its own, from a request to a report. It keeps its
/// promises itself: it is a job with its true end state, it leaves an entry in the audit journal,
/// it heals what it meets and says so, and it refuses output inside the home or a replica.
///
/// A value is for one request: it reads the records and the settings of vaults once.
public struct Operations: Sendable {
    /// As the caller sees it. Vaults and recovery points that a request names come from it, so that
    /// they have the caller's clock and budget.
    public let subscription: Subscription
    public let context: Context
    /// Told the id of each job when it begins, on the thread of the caller.
    public var jobBegins: @Sendable (_ id: String) -> Void = { _ in }

    /// The variable of the environment that makes Kura use replica directories of any owner, where
    /// it is 1.
    public static var foreignOwnerVariable: String { ReplicaOwner.variable }

    public init(_ subscription: Subscription, _ context: Context) {
        self.subscription = subscription.forOneRequest().onBehalf(of: context)
        self.context = context
    }

    /// The vault of a request that need not name one.
    /// - Parameter name: nil for the vault `default`, or the only one there is.
    public func chosenVault(named name: String?) throws(KuraError) -> VaultPlace {
        if let name { return try subscription.place(named: name) }
        let places = try subscription.places()
        if let found = places.first(where: { $0.name == Subscription.defaultVault }) {
            return found
        }
        // A region that is away may hold `default`.
        for region in subscription.regions where region.available.isEmpty {
            if let problem = region.problems.compactMap({ $0 }).first { throw problem }
        }
        guard let only = places.first else {
            throw KuraError(.notFound, "there is no vault", remedy: .vault(.create()))
        }
        guard places.count == 1 else {
            throw KuraError(
                .invalidInput,
                "there are several vaults: \(places.map(\.name).joined(separator: ", "))",
                remedy: .vault(.choose))
        }
        return only
    }
}
