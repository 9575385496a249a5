public import KuraIO
internal import KuraReplicas
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

    /// The variable of the environment that makes Kura use replica directories of any owner, where
    /// it is 1.
    public static var foreignOwnerVariable: String { ReplicaOwner.variable }

    public init(_ subscription: Subscription, _ context: Context) {
        self.subscription = subscription.forOneRequest().onBehalf(of: context)
        self.context = context
    }
}
