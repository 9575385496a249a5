internal import KuraFormat
internal import KuraIO

/// The extents of a disk that are being put together, several at a time, in ascending order.
///
/// Chunks of one frame belong to several extents when a disk was backed up often, or when the frame
/// goes on in the next extent. So a frame is decoded for the whole window at once: it is read once
/// unless its chunks lie farther apart than the window is long. Memory: the window's buffers,
/// however large the disk is.
final class AssemblyWindow: @unchecked Sendable {
    enum Step {
        /// Find out what this extent needs, then call `add`. One thread at a time gets this step.
        case plan(number: Int, buffer: AlignedBuffer)
        /// Decode these frames, then call `complete`.
        case decode([FrameTask])
        case finished
    }

    private struct Assembly {
        var extent: AssembledExtent
        var missingFrames: Int
    }

    private let monitor = Monitor()
    // `monitor` guards these.
    private var buffers: [AlignedBuffer]
    private var nextExtent = 0
    private let extentCount: Int
    private var isPlanning = false
    /// Whether every extent that had a buffer at the start is planned. Until then nothing is
    /// decoded: a frame that the next extents need, too, would be decoded twice.
    private var isFilled = false
    private var isStopped = false
    private var assemblies: [Int: Assembly] = [:]
    private var waiting: [FrameName: [ChunkPiece]] = [:]
    /// Names in `waiting` from `head` on, in the order of the first extents that need them.
    private var queue: [FrameName] = []
    private var head = 0

    /// - Parameter bufferCount: extents that are in memory at most.
    init(extentCount: Int, bufferCount: Int) {
        self.extentCount = extentCount
        buffers = (0..<min(bufferCount, max(extentCount, 1))).map { _ in
            AlignedBuffer(byteCount: Limits.extentBytes)
        }
    }

    /// The next step of the calling thread. Waits while there is none.
    func next() -> Step {
        monitor.withLock {
            while !isStopped {
                if !isPlanning, nextExtent < extentCount, let buffer = buffers.popLast() {
                    isPlanning = true
                    nextExtent += 1
                    return .plan(number: nextExtent - 1, buffer: buffer)
                }
                if !isPlanning { isFilled = true }
                if isFilled {
                    let tasks = takeTasks()
                    if !tasks.isEmpty { return .decode(tasks) }
                }
                if !isPlanning, nextExtent == extentCount { break }
                monitor.wait()
            }
            return .finished
        }
    }

    /// The next frames, with enough bytes to hash their chunks together: see
    /// `Tuning.decodeBatchBytes`.
    private func takeTasks() -> [FrameTask] {
        var tasks: [FrameTask] = []
        var byteCount = 0
        while head < queue.count, byteCount < Tuning.decodeBatchBytes {
            let name = queue[head]
            head += 1
            let pieces = waiting.removeValue(forKey: name)!
            byteCount += pieces.reduce(0) { max($0, $1.plainOffset + $1.byteCount) }
            tasks.append(FrameTask(frame: name, pieces: pieces))
        }
        if head == queue.count {
            queue.removeAll(keepingCapacity: true)
            head = 0
        }
        return tasks
    }

    /// Adds an extent that was planned to the window.
    /// - Parameter tasks: each frame once, in any order.
    /// - Returns: whether the extent is complete already, because it needs no frame.
    func add(_ extent: AssembledExtent, _ tasks: [FrameTask]) -> Bool {
        monitor.withLock {
            isPlanning = false
            for task in tasks {
                if waiting[task.frame] == nil { queue.append(task.frame) }
                waiting[task.frame, default: []] += task.pieces
            }
            if !tasks.isEmpty {
                assemblies[extent.number] = Assembly(extent: extent, missingFrames: tasks.count)
            }
            monitor.wakeAll()
            return tasks.isEmpty
        }
    }

    /// Ends frames of a `decode` step.
    /// - Returns: the extents that are complete now.
    func complete(_ tasks: [FrameTask]) -> [AssembledExtent] {
        let numbers = tasks.flatMap { Set($0.pieces.map(\.extent)) }
        return monitor.withLock {
            numbers.compactMap { number in
                assemblies[number]!.missingFrames -= 1
                guard assemblies[number]!.missingFrames == 0 else { return nil }
                return assemblies.removeValue(forKey: number)!.extent
            }
        }
    }

    /// Gives the buffer of an extent back to the window, when the sink has the extent.
    func giveBack(_ buffer: AlignedBuffer) {
        monitor.withLock {
            buffers.append(buffer)
            monitor.wakeAll()
        }
    }

    /// Makes every later `next` return `finished`.
    func stop() {
        monitor.withLock {
            isStopped = true
            monitor.wakeAll()
        }
    }
}
