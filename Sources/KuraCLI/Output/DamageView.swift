import KuraFormat
import KuraIO
import KuraStore
import SystemPackage

/// Damage as commands tell it.
struct DamageView {
    private let damage: Damage

    init(_ damage: Damage) { self.damage = damage }

    /// - Parameter separator: what stands between the place and what is wrong there.
    func text(separator: String = " ") -> String {
        var text = "\(damage.structure.rawValue) in replica \(damage.replica) of region "
            + "\(damage.region) is \(damage.kind.name): \(damage.path)\(separator)(\(damage.detail))"
        if damage.repairedFrom == .salvaged {
            text += "; salvaged: what some copy had right is in other packs, the rest is lost"
        } else if let source = damage.repairedFrom {
            text += "; healed from: \(source.name)"
        } else if let obstacle = damage.obstacle {
            text += "; not healed: \(obstacle)"
        }
        return text
    }

    func json() -> JSON {
        [
            "region": .string(damage.region), "replica": JSON(damage.replica),
            "path": .string(damage.path.string), "structure": .string(damage.structure.rawValue),
            "kind": .string(damage.kind.name), "detail": .string(damage.detail),
            "repaired": .bool(damage.isRepaired), "source": JSON(damage.repairedFrom?.name),
            "obstacle": JSON(damage.obstacle),
        ]
    }
}

/// Heals what reads met and went around, and tells about it. What the command did is done already,
/// so a repair that fails is a warning.
func healMetDamage(_ vault: Vault) {
    let met = vault.damage
    guard !met.isEmpty else { return }
    do throws(KuraError) {
        for damage in try vault.heal(met) { Terminal.warn(DamageView(damage).text()) }
    } catch {
        for damage in met { Terminal.warn(DamageView(damage).text()) }
        Terminal.warn("not healed: \(error.message)")
    }
}
