internal import Synchronization

/// Handles that are free. The one that was used last is taken first: its connection is warm.
final class HandlePool: Sendable {
    private let free = Mutex<[CurlHandle]>([])
    private static let keptMax = 64

    /// Nil where the library does not work.
    func take() -> CurlHandle? { free.withLock { $0.popLast() } ?? CurlHandle() }

    func give(_ handle: CurlHandle) {
        free.withLock { free in
            if free.count < Self.keptMax { free.append(handle) }
        }
    }

    /// Drops every free handle, with its connections.
    func empty() { free.withLock { $0 = [] } }
}
