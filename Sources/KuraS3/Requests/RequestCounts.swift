internal import Synchronization

/// What a store asked of its server so far, for costs and for tests.
public struct RequestCounts: Equatable, Sendable {
    /// Requests by what they are for, each try counted.
    public internal(set) var requests: [String: Int] = [:]
    /// Tries behind the first one.
    public internal(set) var repeats = 0
    public internal(set) var sentBytes = 0
    public internal(set) var receivedBytes = 0

    public var total: Int { requests.values.reduce(0, +) }
}

final class RequestCounter: Sendable {
    private let counts = Mutex(RequestCounts())

    var current: RequestCounts { counts.withLock { $0 } }

    func add(_ kind: S3Request.Kind, isRepeat: Bool, sent: Int, received: Int) {
        counts.withLock { counts in
            counts.requests[kind.rawValue, default: 0] += 1
            if isRepeat { counts.repeats += 1 }
            counts.sentBytes += sent
            counts.receivedBytes += received
        }
    }
}
