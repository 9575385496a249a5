package import KuraFormat

extension LogBody {
    /// What a key must be allowed to do to sign a record with this body; empty where any admitted
    /// key may, because the root key signs in the body.
    package var rightNeeded: KeyBody.Rights {
        switch self {
        case .vault, .setting: .settings
        case .members, .failover, .adoption, .accept: .members
        case .point, .runs, .undrop, .hold, .spare, .checkpoint: .write
        // What hides or deletes, and what makes that possible.
        case .drop, .forget, .release, .condemn, .sweep, .deleted, .lost: .prune
        case .key, .rekey, .unknown: []
        }
    }
}

extension KeyBody.Rights {
    /// For messages.
    var word: String {
        switch self {
        case .write: "write"
        case .prune: "prune"
        case .settings: "settings"
        case .members: "members"
        default: "none"
        }
    }
}
