/// What an account may do, as in Azure Backup. Each has the rights of those before it.
package enum Role: String, Sendable, CaseIterable, Comparable {
    case reader
    case `operator`
    case contributor
    case owner

    package static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package var word: Word {
        switch self {
        case .reader: .reader
        case .operator: .operatorRole
        case .contributor: .contributor
        case .owner: .owner
        }
    }

    /// What it may do that the one before it may not.
    var rights: Word {
        switch self {
        case .reader: .mayRead
        case .operator: .mayOperate
        case .contributor: .mayContribute
        case .owner: .mayOwn
        }
    }
}
