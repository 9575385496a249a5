package import KuraFormat
internal import Synchronization

/// Chunks that one worker of this session stores and that no index run lists yet.
///
/// When two workers meet the same new chunk, the first one that claims it stores it. Called once a
/// window, not once a chunk.
package final class Claims: Sendable {
    package init() {}

    private let claimed = Mutex<Set<ChunkID>>([])

    /// Claims those of `ids` that are marked; unmarks those that are claimed already.
    /// - Parameter marked: as long as `ids`.
    /// - Returns: the number of claims of all workers now.
    package func claim(_ ids: [ChunkID], marked: inout [Bool]) -> Int {
        // A copy, because the body of a lock cannot capture an inout parameter.
        var marks = marked
        let count = claimed.withLock { claimed in
            for index in ids.indices where marks[index] {
                marks[index] = claimed.insert(ids[index]).inserted
            }
            return claimed.count
        }
        marked = marks
        return count
    }

    /// Ends the claims of chunks that an index run lists now.
    func release(_ entries: [IndexEntry]) {
        claimed.withLock { claimed in
            for entry in entries { claimed.remove(entry.id) }
        }
    }
}
