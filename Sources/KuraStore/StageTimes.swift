public import KuraIO

/// Stages of the pipelines, as `--trace-stages` names them.
public enum Stage: String, Sendable, CaseIterable {
    case read
    case chunk
    case hash
    case lookup = "look up"
    case compress
    /// Decoding a frame again after it was compressed, to compare it.
    case check
    /// Copying into the pack, and waiting for a buffer.
    case pack
    case manifest
    case decode
    /// Copying chunks to where they belong in an extent.
    case assemble
    case write
}

/// Nanoseconds that one worker spent in each stage. Used by one thread.
public struct StageTimes: Sendable {
    public private(set) var nanoseconds = [Int64](repeating: 0, count: Stage.allCases.count)

    public init() {}

    public subscript(stage: Stage) -> Int64 {
        get { nanoseconds[stage.index] }
        set { nanoseconds[stage.index] = newValue }
    }

    /// Runs `body` and adds its time to `stage`. Two clock reads: per batch, never per chunk.
    @inline(__always)
    mutating func time<T>(_ stage: Stage, _ body: () throws -> T) rethrows -> T {
        let start = Clock.steady()
        defer { nanoseconds[stage.index] &+= Clock.steady() &- start }
        return try body()
    }

    @inline(__always)
    mutating func timeThrowing<T, E: Error>(
        _ stage: Stage, _ body: () throws(E) -> T
    ) throws(E) -> T {
        let start = Clock.steady()
        defer { nanoseconds[stage.index] &+= Clock.steady() &- start }
        return try body()
    }

    /// The stages that took any time. Writers have threads of their own.
    public var list: [StageTime] {
        Stage.allCases.filter { self[$0] > 0 }.map { stage in
            StageTime(
                stage == .write ? "writer threads" : stage.rawValue, nanoseconds: self[stage],
                isBeside: stage == .write)
        }
    }

    public static func += (total: inout StageTimes, part: StageTimes) {
        for index in total.nanoseconds.indices {
            total.nanoseconds[index] += part.nanoseconds[index]
        }
    }
}

extension Stage {
    fileprivate var index: Int {
        switch self {
        case .read: 0
        case .chunk: 1
        case .hash: 2
        case .lookup: 3
        case .compress: 4
        case .check: 5
        case .pack: 6
        case .manifest: 7
        case .decode: 8
        case .assemble: 9
        case .write: 10
        }
    }
}
