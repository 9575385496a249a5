internal import KuraIO
package import KuraOperations
package import KuraPortal
internal import KuraVault

/// One request of a known caller, with what answers need.
package struct Visit: Sendable {
    package var request: Request
    /// What stands in the place of a route's names, in their order.
    package var names: [String] = []
    package var account: String
    package var role: Role
    /// Nil for a user of this machine, who has none.
    package var session: Accounts.Session?
    package var frame: Frame
    package var operations: Operations
    unowned let site: Site

    var subscription: Subscription { operations.subscription }
    var form: FormValues { request.form }
    /// The vault of the route.
    var vault: String { names.first ?? "" }

    /// Where a browser goes after something was done, with what it is told there.
    func redirect(_ link: Link, _ toasts: Toast...) -> Answer { redirect(link, toasts) }

    func redirect(_ link: Link, _ toasts: [Toast]) -> Answer {
        site.flashes.add(toasts, for: session?.id ?? "")
        return Answer(to: link)
    }

    /// Jobs that were started, or why they were not.
    func launched(_ launch: JobLauncher.Launch, _ word: Word, back: Link) -> Answer {
        if let job = launch.job { return redirect(.job(job), Toast(word, job: job)) }
        let failure = launch.failure ?? Problem("nothing was started")
        return redirect(back, Toast(.failed("Kura", failure.message), isProblem: true))
    }

    /// What became of several machines, as messages.
    func toasts(_ outcomes: [MachineOutcome], _ word: (String) -> Word) -> [Toast] {
        outcomes.map { outcome in
            let name = outcome.item ?? outcome.name
            if let error = outcome.error {
                return Toast(.failed(name, error.message), job: outcome.job, isProblem: true)
            }
            return Toast(word(name), job: outcome.job)
        }
    }
}

/// One kind of request.
struct Route: Sendable {
    var method: Request.Method
    /// Its parts; one that begins with a colon stands for any.
    var path: [String]
    /// Who may.
    var role: Role
    var answer: @Sendable (Visit) throws(KuraError) -> Answer

    init(
        _ method: Request.Method, _ path: String, for role: Role,
        answer: @escaping @Sendable (Visit) throws(KuraError) -> Answer
    ) {
        self.method = method
        self.path = path.split(separator: "/").map(String.init)
        self.role = role
        self.answer = answer
    }

    /// The names in a path, where it is one of this route.
    func names(in parts: [String]) -> [String]? {
        guard parts.count == path.count else { return nil }
        var names: [String] = []
        for (pattern, part) in zip(path, parts) {
            if pattern.hasPrefix(":") {
                names.append(part)
            } else if pattern != part {
                return nil
            }
        }
        return names
    }
}
