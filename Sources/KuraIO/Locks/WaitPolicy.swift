/// How an operation waits for what another one holds: how long, what ends the wait before, and who
/// hears of it.
public struct WaitPolicy: Sendable {
    /// Longest wait for one lease, in nanoseconds. 0: one try, without a wait.
    public var limit: Int64
    /// A wait that lasts longer than this, in nanoseconds, is told of.
    public var noticeAfter: Int64
    /// A replica that does not answer a call for this long, in nanoseconds, is given up. Disks that
    /// start to turn need some ten seconds.
    public var answerLimit: Int64
    public var cancellation: Cancellation
    /// Told once a wait for what and whom it waits, in one line. Called on the waiting thread.
    public var notice: @Sendable (String) -> Void

    public static let defaultLimit: Int64 = 60_000_000_000

    public init(
        limit: Int64 = WaitPolicy.defaultLimit, noticeAfter: Int64 = 2_000_000_000,
        answerLimit: Int64 = 30_000_000_000, cancellation: Cancellation = Cancellation(),
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.limit = limit
        self.noticeAfter = noticeAfter
        self.answerLimit = answerLimit
        self.cancellation = cancellation
        self.notice = notice
    }

    /// The same, ended by another cancellation: that of a part of the work.
    public func until(_ cancellation: Cancellation) -> WaitPolicy {
        var policy = self
        policy.cancellation = cancellation
        return policy
    }

    /// The same, without a wait: for work that is not needed when another process does it.
    public var once: WaitPolicy {
        var policy = self
        policy.limit = 0
        return policy
    }
}

extension WaitPolicy {
    /// Tells of a wait that has become long.
    /// - Parameter what: a thing that is in use, such as "item web".
    package func tell(of what: String, heldBy holder: LockHolder?) {
        notice("waiting for \(holder?.description ?? "another process") to finish with \(what)")
    }

    /// The error of a wait that came to its end in vain.
    package func refusal(of what: String, heldBy holder: LockHolder?) -> KuraError {
        let seconds = limit / 1_000_000_000
        let waited = seconds > 0 ? "; waited \(seconds) s for it" : ""
        return KuraError(
            .locked, "\(what) is in use by \(holder?.description ?? "another process")\(waited)",
            remedy: .waitThenRetry)
    }
}
