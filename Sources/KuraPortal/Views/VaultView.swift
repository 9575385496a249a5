/// A vault as its pages show it.
package struct VaultView: Sendable {
    package enum State: Sendable {
        case active
        case degraded
        case contested
    }

    package var name = ""
    package var region = ""
    package var pair: String?
    /// "lrs", "zrs", "grs" or "ra-grs".
    package var redundancy = "lrs"
    package var profile = ""
    package var state = State.active
    package var copies = 0
    package var minCopies = 0
    package var itemCount = 0
    package var pointCount = 0
    package var storedBytes: UInt64 = 0
    package var notice: String?

    package init() {}

    var status: Word {
        switch state {
        case .active: .active
        case .degraded: .degraded
        case .contested: .contested
        }
    }
}

/// What all points of a vault cost.
package struct UsageView: Sendable {
    package var logicalBytes: UInt64 = 0
    package var uniqueBytes: UInt64 = 0
    package var storedBytes: UInt64 = 0
    package var deduplication = 1.0
    package var compression = 1.0

    package init() {}
}

/// A region as its page shows it.
package struct RegionView: Sendable {
    package struct Replica: Sendable {
        package var path: String
        /// Why it cannot be used; nil where it can.
        package var problem: String?

        package init(path: String, problem: String?) {
            self.path = path
            self.problem = problem
        }
    }

    package var name = ""
    package var pair: String?
    package var replicas: [Replica] = []
    package var vaults: [String] = []

    package init() {}
}

/// How far the copy of a vault in its paired region is behind.
package struct LagView: Sendable {
    package var vault: String
    package var text: String

    package init(vault: String, text: String) {
        self.vault = vault
        self.text = text
    }
}
