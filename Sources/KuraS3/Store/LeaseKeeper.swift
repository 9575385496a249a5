internal import KuraIO
internal import Synchronization

/// Writes locks that are held anew, on one thread that runs while there are any.
final class LeaseKeeper: Sendable {
    private let state = Mutex<(leases: [ObjectIdentifier: Lease], ticker: Ticker?)>(([:], nil))
    /// In milliseconds; a second at least.
    private let interval: Int64

    /// - Parameter interval: in nanoseconds.
    init(interval: Int64) { self.interval = max(1000, interval / 1_000_000) }

    func keep(_ lease: Lease) {
        state.withLock { state in
            state.leases[ObjectIdentifier(lease)] = lease
            if state.ticker == nil {
                state.ticker = Ticker(everyMilliseconds: interval) { [weak self] in self?.renew() }
            }
        }
    }

    /// - Returns: whether it was kept.
    func drop(_ lease: Lease) -> Bool {
        let (wasKept, ticker) = state.withLock { state -> (Bool, Ticker?) in
            let wasKept = state.leases.removeValue(forKey: ObjectIdentifier(lease)) != nil
            guard state.leases.isEmpty else { return (wasKept, nil) }
            defer { state.ticker = nil }
            return (wasKept, state.ticker)
        }
        ticker?.stop()
        return wasKept
    }

    func renew() {
        for lease in state.withLock({ Array($0.leases.values) }) { lease.renew() }
    }
}
