internal import KuraIO
internal import KuraOperations
internal import KuraPortal
internal import KuraVault
internal import SystemPackage

extension Site {
    static var otherRoutes: [Route] {
        [
            Route(.get, "/jobs", for: .reader) { visit throws(KuraError) in try visit.jobs(nil) },
            Route(.get, "/vaults/:vault/jobs", for: .reader) { visit throws(KuraError) in
                try visit.jobs(visit.vault)
            },
            Route(.get, "/jobs/:job", for: .reader) { visit throws(KuraError) in try visit.job() },
            Route(.post, "/jobs/:job/cancel", for: .operator) { visit throws(KuraError) in
                try visit.cancelJob()
            },
            Route(.get, "/audit", for: .owner) { visit throws(KuraError) in try visit.audit() },
            Route(.get, "/settings", for: .reader) { visit throws(KuraError) in
                try visit.settings(nil)
            },
            Route(.post, "/settings/inventory", for: .owner) { visit throws(KuraError) in
                try visit.changing { () throws(KuraError) in
                    let path = FilePath(visit.form["inventory"] ?? "")
                    guard path.isAbsolute, !path.components.isEmpty else {
                        throw KuraError(
                            .invalidInput, "a folder is named by its absolute path",
                            remedy: .advice("such as /srv/machines"))
                    }
                    _ = try visit.subscription.setInventory(path)
                }
            },
            Route(.post, "/settings/targets", for: .owner) { visit throws(KuraError) in
                try visit.changing { () throws(KuraError) in
                    try visit.site.accounts.addTarget(
                        visit.form["target-name"] ?? "",
                        path: FilePath(visit.form["target-path"] ?? ""))
                }
            },
            Route(.post, "/settings/targets/delete", for: .owner) { visit throws(KuraError) in
                try visit.changing { () throws(KuraError) in
                    try visit.site.accounts.removeTarget(visit.form["name"] ?? "")
                }
            },
            Route(.post, "/settings/accounts", for: .owner) { visit throws(KuraError) in
                try visit.changing { () throws(KuraError) in
                    try visit.site.accounts.add(
                        visit.form["account"] ?? "",
                        Role(rawValue: visit.form["role"] ?? "") ?? .reader,
                        password: visit.form.exact("password"))
                }
            },
            Route(.post, "/settings/accounts/delete", for: .owner) { visit throws(KuraError) in
                try visit.changing { () throws(KuraError) in
                    try visit.site.accounts.remove(visit.form["name"] ?? "")
                }
            },
            Route(.post, "/settings/sessions/end", for: .reader) { visit throws(KuraError) in
                try visit.changing { () throws(KuraError) in
                    try visit.site.accounts.end(
                        visit.form["name"] ?? "",
                        of: visit.role == .owner ? nil : visit.account)
                }
            },
        ]
    }
}

extension Visit {
    private static let jobsShown = 300
    private static let callsShown = 200

    fileprivate func jobs(_ vault: String?) throws(KuraError) -> Answer {
        // A vault that there is not has no page.
        if let vault { _ = try subscription.place(named: vault) }
        let filter = JobsPage.Filter(request.query)
        let found = try subscription.jobs(
            JobFilter(
                status: Job.Status(rawValue: filter.status),
                operation: Job.Operation(rawValue: filter.operation), vault: vault,
                limit: Self.jobsShown)
        ).map { JobView($0) }
        var frame = frame
        if found.contains(where: { !$0.isOver }) { frame.refresh = 4 }
        let page = JobsPage.html(
            found, vault: vault, filter: filter, operations: Job.Operation.allCases.map(\.rawValue),
            statuses: Job.Status.allCases.map(\.rawValue), frame)
        return Answer(200, page)
    }

    fileprivate func job() throws(KuraError) -> Answer {
        let view = JobView(try subscription.job(names[0]))
        var frame = frame
        if !view.isOver { frame.refresh = 4 }
        return Answer(200, JobPage.html(view, frame))
    }

    fileprivate func cancelJob() throws(KuraError) -> Answer {
        let job = try subscription.cancelJob(names[0])
        return redirect(.job(job.id), Toast(.cancelAsked))
    }

    fileprivate func audit() throws(KuraError) -> Answer {
        let journal = try operations.auditTrail().entries.map { AuditView($0) }
            .sorted { $0.time > $1.time }.prefix(Self.callsShown)
        let page = AuditPage.html(
            calls: try site.calls.newest(Self.callsShown), journal: Array(journal), frame)
        return Answer(200, page)
    }

    // MARK: Settings

    /// The page of what was changed, or of why it was not.
    fileprivate func changing(_ change: () throws(KuraError) -> Void) throws(KuraError) -> Answer {
        do throws(KuraError) {
            try change()
        } catch {
            guard error.httpStatus < 500 || error.code == .io else { throw error }
            return try settings(Problem(error))
        }
        return redirect(Link("settings"), Toast(.saved))
    }

    fileprivate func settings(_ problem: Problem?) throws(KuraError) -> Answer {
        var state = SettingsPage.State()
        state.home = subscription.home.string
        state.version = site.versionText
        state.scheduler = site.schedule?.state ?? .off
        state.inventory = try subscription.inventory()?.string ?? ""
        state.targets = try site.accounts.targets()
        state.accounts = role == .owner ? try site.accounts.all() : []
        state.sessions = try site.accounts.sessions(
            of: role == .owner ? nil : account, this: session?.id ?? "")
        state.problem = problem
        return Answer(problem == nil ? 200 : 400, SettingsPage.html(state, frame))
    }
}
