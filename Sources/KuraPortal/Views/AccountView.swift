/// An account of the server.
package struct AccountView: Sendable {
    package var name: String
    package var role: Role

    package init(name: String, role: Role) {
        self.name = name
        self.role = role
    }
}

/// A session of an account.
package struct SessionView: Sendable {
    /// By which it is ended; not what the browser sends.
    package var id: String
    package var account: String
    package var source: String
    package var lastSeen: Int64
    package var isThis: Bool

    package init(id: String, account: String, source: String, lastSeen: Int64, isThis: Bool) {
        self.id = id
        self.account = account
        self.source = source
        self.lastSeen = lastSeen
        self.isThis = isThis
    }
}

/// A folder that restores may write to.
package struct TargetView: Sendable {
    package var name: String
    package var path: String

    package init(name: String, path: String) {
        self.name = name
        self.path = path
    }
}

/// An entry of an audit: of a vault's journal, or of what the server was asked.
package struct AuditView: Sendable {
    package var time: Int64 = 0
    package var who = ""
    package var what = ""
    package var note = ""
    package var vault = ""
    package var source = ""

    package init() {}
}
