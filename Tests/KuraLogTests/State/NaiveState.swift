import KuraFormat
import KuraIO
import KuraLog

/// The state as dictionaries that are copied whole: what `VaultState` must agree with.
struct NaiveState {
    struct Point: Equatable {
        var item: String
        var sequence: UInt64
        var isDropped = false
        var holds: Set<String> = []
    }

    struct Pack: Equatable {
        var condemned: UInt64
        var sweep: UInt64?
    }

    struct Broken: Error {}

    var points: [RecoveryPointID: Point] = [:]
    var runs: Set<RunID> = []
    var packs: [PackID: Pack] = [:]
    var settings: [String: String] = [:]

    /// Whether the record was taken in.
    mutating func apply(_ record: LogRecord) -> Bool {
        var next = self
        do {
            for body in record.bodies { try next.apply(body, record.number) }
        } catch {
            return false
        }
        self = next
        return true
    }

    private mutating func apply(_ body: LogBody, _ number: UInt64) throws {
        switch body {
        case .point(let body):
            guard points[body.id] == nil else { throw Broken() }
            points[body.id] = Point(item: body.point.item, sequence: body.point.sequence)
        case .drop(let body):
            try each(body.points) { point in
                guard !point.isDropped, point.holds.isEmpty else { throw Broken() }
                point.isDropped = true
            }
        case .undrop(let body):
            try each(body.points) { point in
                guard point.isDropped else { throw Broken() }
                point.isDropped = false
            }
        case .forget(let body):
            for id in body.points {
                guard let point = points[id], point.isDropped, point.holds.isEmpty else {
                    throw Broken()
                }
                points[id] = nil
            }
        case .hold(let body):
            try each(body.points) { point in
                guard point.holds.insert(body.name).inserted else { throw Broken() }
            }
        case .release(let body):
            try each(body.points) { point in
                guard point.holds.remove(body.name) != nil else { throw Broken() }
            }
        case .runs(let body):
            guard runs.isDisjoint(with: body.added.map(\.id)), runs.isSuperset(of: body.superseded)
            else { throw Broken() }
            runs.subtract(body.superseded)
            runs.formUnion(body.added.map(\.id))
        default: try collect(body, number)
        }
    }

    private mutating func collect(_ body: LogBody, _ number: UInt64) throws {
        switch body {
        case .condemn(let body):
            for id in body.packs {
                guard packs[id] == nil else { throw Broken() }
                packs[id] = Pack(condemned: number)
            }
        case .spare(let body):
            for id in body.packs {
                guard let pack = packs[id], pack.sweep == nil else { throw Broken() }
                packs[id] = nil
            }
        case .sweep(let body):
            for id in body.packs {
                guard let pack = packs[id], pack.sweep == nil, pack.condemned == body.condemned,
                    pack.condemned != number
                else { throw Broken() }
                packs[id]?.sweep = number
            }
        case .deleted(let body):
            for sweep in body.sweeps {
                let gone = packs.filter { $0.value.sweep == sweep }
                guard !gone.isEmpty, sweep != number else { throw Broken() }
                for id in gone.keys { packs[id] = nil }
            }
        case .setting(let body):
            guard settings[body.subject, default: ""] == body.before else { throw Broken() }
            settings[body.subject] = body.after.isEmpty ? nil : body.after
        default: throw Broken()
        }
    }

    private mutating func each(
        _ ids: [RecoveryPointID], _ change: (inout Point) throws -> Void
    ) throws {
        for id in ids {
            guard var point = points[id] else { throw Broken() }
            try change(&point)
            points[id] = point
        }
    }

    /// What differs between the two; nil where nothing does.
    func difference(from state: VaultState) throws -> String? {
        var found: [RecoveryPointID: Point] = [:]
        var keys: [PointEntry] = []
        try state.visitPoints { point throws(KuraError) in
            found[point.id] = Point(
                item: point.item, sequence: point.sequence, isDropped: point.drop != nil,
                holds: Set(point.holds.map(\.name)))
            keys.append(point)
            return true
        }
        guard found == points, state.pointCount == UInt64(points.count) else { return "points" }
        let isSorted = zip(keys, keys.dropFirst()).allSatisfy {
            (Array($0.item.utf8), $0.sequence) <= (Array($1.item.utf8), $1.sequence)
        }
        guard isSorted else { return "order of points" }
        for item in Set(points.values.map(\.item)) {
            let live = points.values.filter { $0.item == item && !$0.isDropped }
            let newest = try state.newestPoint(of: item)?.sequence
            guard newest == live.map(\.sequence).max() else { return "newest point of \(item)" }
        }
        guard try Set(state.liveRuns().map(\.run.id)) == runs else { return "runs" }
        let outgoing = try state.outgoingPacks().map { pack in
            (pack.pack, Pack(condemned: pack.condemned, sweep: pack.swept))
        }
        guard Dictionary(uniqueKeysWithValues: outgoing) == packs else { return "packs" }
        let read = try state.settings().map { ($0.subject, $0.value) }
        return Dictionary(uniqueKeysWithValues: read) == settings ? nil : "settings"
    }
}

private func <= (left: ([UInt8], UInt64), right: ([UInt8], UInt64)) -> Bool {
    if left.0 == right.0 { return left.1 <= right.1 }
    return left.0.lexicographicallyPrecedes(right.0)
}
