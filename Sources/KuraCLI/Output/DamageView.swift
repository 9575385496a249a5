import KuraFormat
import KuraOperations

/// Damage as commands tell it.
struct DamageView {
    private let damage: FoundDamage

    init(_ damage: FoundDamage) { self.damage = damage }

    func json() -> JSON {
        [
            "region": .string(damage.region), "replica": JSON(damage.replica),
            "path": .string(damage.place), "structure": .string(damage.structure.rawValue),
            "kind": .string(damage.kind.name), "detail": .string(damage.detail),
            "repaired": .bool(damage.isRepaired), "source": JSON(damage.repairedFrom?.name),
            "obstacle": JSON(damage.obstacle),
        ]
    }
}
