internal import KuraFormat
public import KuraStore

extension Damage {
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
