/// A fixed number of things to borrow. Who finds none waits: back-pressure without a queue.
public final class Pool<Element>: @unchecked Sendable {
    // `monitor` guards it.
    private let monitor = Monitor()
    private var free: [Element]

    public init(_ elements: [Element]) { free = elements }

    public func take() -> Element {
        monitor.withLock {
            while free.isEmpty { monitor.wait() }
            return free.removeLast()
        }
    }

    public func give(_ element: Element) {
        monitor.withLock {
            free.append(element)
            monitor.wakeAll()
        }
    }
}
