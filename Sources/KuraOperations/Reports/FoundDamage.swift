public import KuraFormat
internal import KuraStore

/// One file of one replica that an operation found damaged, and what became of it.
public struct FoundDamage: Equatable, Sendable {
    /// The region's name.
    public var region: String
    /// 0, 1 or 2.
    public var replica: Int
    /// The file, as people find it.
    public var place: String
    public var structure: Structure
    public var kind: DamageKind
    /// What exactly is wrong, for people.
    public var detail: String
    /// Where the good bytes came from; nil while it is not healed.
    public var repairedFrom: RepairSource?
    /// Why it could not be healed, where that was tried.
    public var obstacle: String?

    public var isRepaired: Bool { repairedFrom != nil }

    init(_ damage: Damage) {
        region = damage.region
        replica = damage.replica
        place = damage.place
        structure = damage.structure
        kind = damage.kind
        detail = damage.detail
        repairedFrom = damage.repairedFrom
        obstacle = damage.obstacle
    }

    /// What is damaged, how, and what became of it, in one sentence for people.
    /// - Parameter separator: what stands between the place and what is wrong there.
    public func text(separator: String = " ") -> String {
        var text =
            "\(structure.rawValue) in replica \(replica) of region \(region) is "
            + "\(kind.name): \(place)\(separator)(\(detail))"
        if repairedFrom == .salvaged {
            text += "; salvaged: what some copy had right is in other packs, the rest is lost"
        } else if let source = repairedFrom {
            text += "; healed from: \(source.name)"
        } else if let obstacle {
            text += "; not healed: \(obstacle)"
        }
        return text
    }
}
