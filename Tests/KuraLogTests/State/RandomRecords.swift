import KuraFormat
import KuraLog
import TestSupport

/// Draws bodies that are right mostly and wrong sometimes, about few objects, so that they meet.
struct RandomRecords {
    var random: SeededGenerator
    /// Of items, runs, packs and settings.
    var names = 12
    private var points: [RecoveryPointID] = []
    private var sequence: UInt64 = 0

    init(_ random: SeededGenerator) { self.random = random }

    private mutating func name(_ kind: String) -> String {
        "\(kind)\(Int.random(in: 0..<names, using: &random))"
    }

    private mutating func somePoints() -> [RecoveryPointID] {
        let count = Int.random(in: 1...3, using: &random)
        let some = (0..<count).compactMap { _ in points.randomElement(using: &random) }
        return Set(some).sorted()
    }

    private mutating func somePacks() -> [PackID] {
        let count = Int.random(in: 1...3, using: &random)
        return Set((0..<count).map { _ in StateWorld.digest(name("pack")) }).sorted()
    }

    mutating func bodies(_ world: StateWorld) throws -> [LogBody] {
        try (0..<Int.random(in: 1...3, using: &random)).map { _ in try body(world) }
    }

    private mutating func body(_ world: StateWorld) throws -> LogBody {
        let number = world.state.position!.number
        let choice = Int.random(in: 0..<16, using: &random)
        guard choice > 4, !points.isEmpty else {
            sequence += 1
            let item = ["a", "ab", "b", "web/1"].randomElement(using: &random)!
            let body = try world.point(item, sequence, time: Int64(sequence), tags: [item])
            points.append(body.id)
            return .point(body)
        }
        switch choice {
        case 5, 6: return .drop(DropBody(points: somePoints(), time: 1, reason: "r"))
        case 7: return .undrop(UndropBody(points: somePoints(), reason: ""))
        case 8: return .forget(ForgetBody(points: somePoints()))
        case 9: return .hold(HoldBody(points: somePoints(), name: name("hold"), reason: ""))
        case 10: return .release(ReleaseBody(points: somePoints(), name: name("hold")))
        case 11, 12:
            let superseded = Bool.random(using: &random) ? [] : [name("run")]
            return StateWorld.runs([name("run")], superseded: superseded)
        case 13: return .condemn(CondemnBody(packs: somePacks()))
        case 14: return try outgoing(world, number)
        default:
            let subject = name("setting")
            let before = try world.state.setting(subject)?.value ?? ""
            return .setting(
                SettingBody(
                    subject: subject,
                    before: Int.random(in: 0..<5, using: &random) == 0 ? "?" : before,
                    after: ["", "1", "2"].randomElement(using: &random)!))
        }
    }

    private mutating func outgoing(_ world: StateWorld, _ number: UInt64) throws -> LogBody {
        let packs = try world.state.outgoingPacks()
        guard let pack = packs.randomElement(using: &random), Bool.random(using: &random) else {
            return .spare(SpareBody(packs: somePacks()))
        }
        return pack.swept.map { .deleted(DeletedBody(sweeps: [$0])) }
            ?? .sweep(SweepBody(condemned: pack.condemned, packs: [pack.pack]))
    }
}
