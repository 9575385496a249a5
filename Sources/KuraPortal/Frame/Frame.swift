/// What every page has besides its own content: who looks at it, and what is told to him.
package struct Frame: Sendable {
    package var language = Language.ja
    /// Nil before anybody signed in.
    package var account: String?
    package var role = Role.reader
    /// The path of this page, for links that change only its language.
    package var path: [String] = []
    package var query: [(name: String, value: String)] = []
    /// Jobs that run now.
    package var running = 0
    package var toasts: [Toast] = []
    /// What proves that a form is one of this server and this session.
    package var seal = ""
    /// What tells one showing of a form from another: sent twice, it is done once.
    package var form = ""
    /// Changes with each start and each version of the server.
    package var isLive = false
    /// Seconds after which a browser without scripts loads the page again; nil for never.
    package var refresh: Int?

    package init() {}

    func callAsFunction(_ word: Word) -> String { word(in: language) }
}

/// A short message about what was done.
package struct Toast: Sendable, Equatable {
    package var word: Word
    package var job: String?
    package var isProblem = false
    package var remedy: String?

    package init(_ word: Word, job: String? = nil, isProblem: Bool = false) {
        self.word = word
        self.job = job
        self.isProblem = isProblem
    }
}

/// The tabs of a vault, in the order of the tutorial.
enum VaultTab: CaseIterable {
    case quickStart
    case dashboard
    case registered
    case protected
    case jobs
    case policies
    case configure

    var word: Word {
        switch self {
        case .quickStart: .quickStart
        case .dashboard: .dashboard
        case .registered: .registeredItems
        case .protected: .protectedItems
        case .jobs: .jobs
        case .policies: .policies
        case .configure: .configure
        }
    }

    func link(_ vault: String) -> Link {
        switch self {
        case .quickStart: .vault(vault)
        case .dashboard: .vault(vault, "dashboard")
        case .registered: .vault(vault, "registered")
        case .protected: .vault(vault, "protected")
        case .jobs: .vault(vault, "jobs")
        case .policies: .vault(vault, "policies")
        case .configure: .vault(vault, "configure")
        }
    }
}

/// Sections that are not about one vault.
enum Section: CaseIterable {
    case dashboard
    case vaults
    case jobs
    case regions
    case audit
    case settings

    var word: Word {
        switch self {
        case .dashboard: .dashboard
        case .vaults: .vaultList
        case .jobs: .jobs
        case .regions: .regions
        case .audit: .audit
        case .settings: .settings
        }
    }

    var link: Link {
        switch self {
        case .dashboard: .home
        case .vaults: Link("vaults")
        case .jobs: Link("jobs")
        case .regions: Link("regions")
        case .audit: Link("audit")
        case .settings: Link("settings")
        }
    }

    var role: Role { self == .audit ? .owner : .reader }
}
