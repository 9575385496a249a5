package import KuraIO

/// A job as its pages show it.
package struct JobView: Sendable {
    package struct Task: Sendable {
        package var name: String
        package var status: String

        package init(name: String, status: String) {
            self.name = name
            self.status = status
        }
    }

    package var id = ""
    /// "Backup" and so on, as in JSON; likewise its status.
    package var operation = ""
    package var status = "InProgress"
    package var vault = ""
    package var item = ""
    package var started: Int64 = 0
    package var ended: Int64?
    package var seconds: Double?
    /// 0...1.
    package var progress = 0.0
    package var process = ""
    package var tasks: [Task] = []
    package var failure: Problem?
    package var warnings: [Warning] = []
    package var output = ""
    package var recoveryPoint: String?
    package var canBeCancelled = false

    package init() {}

    package var isOver: Bool { ended != nil }
    var short: String { String(id.prefix(8)) }

    /// The style of its status.
    var style: String {
        switch status {
        case "Completed": "good"
        case "CompletedWithWarnings", "Cancelling", "Cancelled": "warn"
        case "Failed": "bad"
        default: "busy"
        }
    }
}

/// What went wrong, for people.
package struct Problem: Sendable, Equatable {
    package var message: String
    package var remedy: Remedy?
    /// "not-found", "refused" and so on.
    package var code: String

    package init(_ message: String, remedy: Remedy? = nil, code: String = "") {
        self.message = message
        self.remedy = remedy
        self.code = code
    }

    package init(_ error: KuraError) {
        self.init(error.message, remedy: error.remedy, code: error.code.rawValue)
    }
}
