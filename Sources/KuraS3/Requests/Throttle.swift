internal import KuraIO

/// How many requests are on their way at a time. A server that asks for less gets half; each round
/// of answers afterwards lets one more in, up to the limit.
final class Throttle: @unchecked Sendable {
    // `monitor` guards all.
    private let monitor = Monitor()
    private let max: Int
    private var limit: Int
    private var inUse = 0
    private var answers = 0

    init(max: Int) {
        self.max = Swift.max(1, max)
        limit = self.max
    }

    var current: Int { monitor.withLock { limit } }

    func enter() {
        monitor.withLock {
            while inUse >= limit { monitor.wait() }
            inUse += 1
        }
    }

    func leave(asksForLess: Bool) {
        monitor.withLock {
            inUse -= 1
            if asksForLess {
                limit = Swift.max(1, limit / 2)
                answers = 0
            } else {
                answers += 1
                if answers >= limit, limit < max { (limit, answers) = (limit + 1, 0) }
            }
            monitor.wakeAll()
        }
    }
}
