package import KuraFormat
internal import Synchronization

/// Chunks that this session has promised to store and that no index run lists yet.
///
/// Two workers that meet the same new chunk agree here who stores it. Asked once a window, not once
/// a chunk.
package final class Claims: Sendable {
    package init() {}

    private let claimed = Mutex<Set<ChunkID>>([])

    /// Claims those of `ids` that are marked; unmarks what another worker has claimed already.
    /// - Returns: the number of claims now.
    package func claim(_ ids: [ChunkID], marked: inout [Bool]) -> Int {
        // The marks go in and out by value, because a lock's body may not touch an inout of others.
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

    /// Forgets chunks that an index run lists now.
    func release(_ entries: [IndexEntry]) {
        claimed.withLock { claimed in
            for entry in entries { claimed.remove(entry.id) }
        }
    }
}
