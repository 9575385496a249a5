internal import KuraIO
internal import KuraMachines
internal import KuraOperations
internal import KuraPolicy
internal import KuraPortal
internal import KuraVault
internal import SystemPackage

extension Site {
    static var machineRoutes: [Route] {
        let item = "/vaults/:vault/protected/:item"
        return [
            Route(.get, "/vaults/:vault/registered", for: .reader) { visit throws(KuraError) in
                try visit.registered()
            },
            Route(.post, "/vaults/:vault/discover", for: .operator) { visit throws(KuraError) in
                try visit.discover()
            },
            Route(.get, "/vaults/:vault/register", for: .operator) { visit throws(KuraError) in
                try visit.register(problem: nil)
            },
            Route(.post, "/vaults/:vault/register", for: .operator) { visit throws(KuraError) in
                try visit.registerChosen()
            },
            Route(.post, "/vaults/:vault/unregister", for: .operator) { visit throws(KuraError) in
                visit.unregister()
            },
            Route(.get, "/vaults/:vault/agents", for: .reader) { visit throws(KuraError) in
                try visit.agents()
            },
            Route(.get, "/vaults/:vault/protect", for: .operator) { visit throws(KuraError) in
                try visit.protectPage(ProtectForm())
            },
            Route(.post, "/vaults/:vault/protect", for: .operator) { visit throws(KuraError) in
                try visit.protectStep()
            },
            Route(.get, "/vaults/:vault/protected", for: .reader) { visit throws(KuraError) in
                try visit.protected(problem: nil)
            },
            Route(.post, "/vaults/:vault/backup", for: .operator) { visit throws(KuraError) in
                try visit.backUp()
            },
            Route(.get, item, for: .reader) { visit throws(KuraError) in try visit.item() },
            Route(.get, item + "/restore", for: .operator) { visit throws(KuraError) in
                var form = RestoreForm()
                form.point = visit.request.query["point"] ?? ""
                return try visit.restorePage(form, nil)
            },
            Route(.post, item + "/restore", for: .operator) { visit throws(KuraError) in
                try visit.restore()
            },
            Route(.post, item + "/policy", for: .operator) { visit throws(KuraError) in
                visit.changePolicy(resumes: false)
            },
            Route(.post, item + "/resume", for: .operator) { visit throws(KuraError) in
                visit.changePolicy(resumes: true)
            },
            Route(.post, item + "/stop", for: .contributor) { visit throws(KuraError) in
                try visit.stop()
            },
            Route(.post, item + "/undelete", for: .operator) { visit throws(KuraError) in
                visit.undelete()
            },
        ]
    }
}

extension Visit {
    private var itemName: String { names.last ?? "" }
    private var itemLink: Link { Link("vaults", vault, "protected", itemName) }

    /// Machines of the vault, and those of its region that no vault has.
    private func machines() throws(KuraError) -> [MachineView] {
        try subscription.machineRows(.all, vault: vault).map { MachineView($0) }
            .filter { $0.vault == nil || $0.vault == vault }
    }

    // MARK: Discovering and registering

    fileprivate func registered() throws(KuraError) -> Answer {
        let page = RegisteredPage.html(
            vault: vault, try machines(), inventory: try subscription.inventory()?.string, frame)
        return Answer(200, page)
    }

    fileprivate func discover() throws(KuraError) -> Answer {
        let here = Link("vaults", vault, "registered")
        do throws(KuraError) {
            let found = try operations.discover()
            let word = Word.discoveredNow(
                found: found.machines.count, new: found.new.count, gone: found.vanished.count)
            let problems = found.problems.map {
                Toast(.failed($0.path, $0.message), isProblem: true)
            }
            return redirect(here, [Toast(word)] + problems)
        } catch {
            guard error.httpStatus < 500 else { throw error }
            return redirect(
                here,
                Toast(.failed(Word.discover(in: frame.language), error.message), isProblem: true))
        }
    }

    fileprivate func register(problem: Word?) throws(KuraError) -> Answer {
        Answer(
            problem == nil ? 200 : 400,
            RegisterPage.html(vault: vault, try machines(), problem: problem, frame))
    }

    fileprivate func registerChosen() throws(KuraError) -> Answer {
        let chosen = form.all("item")
        guard !chosen.isEmpty else { return try register(problem: .chooseSome) }
        let outcomes = operations.register(chosen, vault: vault)
        return redirect(
            Link("vaults", vault, "registered"), toasts(outcomes) { .registered($0) })
    }

    fileprivate func unregister() -> Answer {
        let outcome = operations.unregister(form["item"] ?? "", vault: vault)
        return redirect(
            Link("vaults", vault, "registered"), toasts([outcome]) { .unregistered($0) })
    }

    fileprivate func agents() throws(KuraError) -> Answer {
        let agents = try operations.machineAgents(ofVault: vault).map { AgentView($0) }
        return Answer(200, AgentsPage.html(vault: vault, agents, frame))
    }

    // MARK: The wizard

    fileprivate func protectPage(_ form: ProtectForm, _ failure: Problem? = nil) throws(KuraError)
        -> Answer
    {
        var offer = ProtectPage.Offer()
        offer.machines = try machines()
        offer.policies = try operations.policies(in: subscription.place(named: vault))
            .map(\.policy)
        offer.failure = failure
        if form.step.rawValue >= ProtectForm.Step.retention.rawValue {
            let limits = try operations.limits(ofVault: vault)
            let policy =
                form.isNew
                ? Self.policy(form.fields, limits)
                : offer.policies.first { $0.name == form.policy }
            offer.simulation = policy.map { simulation(of: $0) }
        }
        let isWrong = failure != nil || form.problem != nil || form.fields.problem != nil
        return Answer(
            isWrong ? 400 : 200, ProtectPage.html(vault: vault, form, offer: offer, frame))
    }

    /// Nil for fields that say no policy.
    private static func policy(_ fields: PolicyForm, _ limits: PolicyLimits) -> Policy? {
        do throws(PolicyError) {
            return try fields.policy(for: limits)
        } catch {
            return nil
        }
    }

    func simulation(of policy: Policy) -> SimulationView {
        SimulationView(policy, from: policy.zone.date(at: operations.context.clock.now()))
    }

    fileprivate func protectStep() throws(KuraError) -> Answer {
        var form = ProtectForm(request.form)
        let go = self.form["go"] ?? "next"
        if go == "back" {
            form.step = ProtectForm.Step(rawValue: form.step.rawValue - 1) ?? .machines
            return try protectPage(form)
        }
        guard !form.items.isEmpty else {
            form.step = .machines
            form.problem = .chooseSome
            return try protectPage(form)
        }
        if form.isNew, form.step != .machines {
            let limits = try operations.limits(ofVault: vault)
            do throws(PolicyError) {
                _ = try form.fields.policy(for: limits)
            } catch {
                form.fields.problem = error
                form.problem = .checkFields
                form.step = error.field.hasPrefix("retention") ? .retention : .policy
                return try protectPage(form)
            }
        }
        if go == "finish", form.step == .summary { return try protect(form) }
        if go == "next" {
            form.step = ProtectForm.Step(rawValue: form.step.rawValue + 1) ?? .summary
        }
        return try protectPage(form)
    }

    private func protect(_ form: ProtectForm) throws(KuraError) -> Answer {
        var name = form.policy
        if form.isNew {
            // Making a policy is more than protecting with one that is there.
            guard role >= .contributor else {
                return Answer(403, ErrorPage.denied(needs: .contributor, frame))
            }
            do throws(KuraError) {
                let limits = try operations.limits(ofVault: vault)
                let policy = try Self.checked(form.fields, limits)
                _ = try operations.createPolicy(policy, in: subscription.place(named: vault))
                name = policy.name
            } catch {
                guard error.httpStatus < 500 else { throw error }
                var form = form
                form.step = .policy
                return try protectPage(form, Problem(error))
            }
        }
        let outcomes = Operations(subscription, operations.context).protect(
            form.items, policy: name, vault: vault)
        return redirect(Link("vaults", vault, "protected"), toasts(outcomes) { .protected($0) })
    }

    static func checked(
        _ fields: PolicyForm, _ limits: PolicyLimits
    ) throws(KuraError) -> Policy {
        do throws(PolicyError) {
            return try fields.policy(for: limits)
        } catch {
            throw KuraError(.invalidInput, error.description, cause: error)
        }
    }

    // MARK: Protected items

    fileprivate func protected(problem: Word?) throws(KuraError) -> Answer {
        let mine = try machines().filter { $0.vault == vault }
        return Answer(
            problem == nil ? 200 : 400,
            ProtectedPage.html(vault: vault, mine, problem: problem, frame))
    }

    fileprivate func backUp() throws(KuraError) -> Answer {
        let items = form.all("item")
        guard !items.isEmpty else { return try protected(problem: .chooseSome) }
        var occasion = BackupOccasion.onDemand
        if let text = form.filled("retain-until") {
            guard let day = LocalDate(text), RetentionSimulation.years ~= day.parts.year else {
                return try protected(problem: .checkFields)
            }
            occasion.retainUntil = PolicyZone.utc.instant(of: day, second: 0)
        }
        let vault = vault
        let launch = site.launcher.start(operations) { [occasion] operations in
            var failure: Problem?
            for item in items where !operations.context.cancellation.isCancelled {
                let outcome = operations.backUp(item, vault: vault, occasion)
                failure = failure ?? outcome.error.map { Problem($0) }
            }
            return failure
        }
        let word = Word.backupStarted(items.joined(separator: ", "))
        guard items.count > 1, launch.job != nil else {
            return launched(launch, word, back: Link("vaults", vault, "protected"))
        }
        return redirect(Link("vaults", vault, "jobs"), Toast(word, job: launch.job))
    }

    private func points() throws(KuraError) -> [PointView] {
        do throws(KuraError) {
            return try operations.recoveryPoints(
                PointListRequest(vault: vault, item: itemName, withExpiries: true)
            ).points.map { PointView($0) }
        } catch {
            guard error.code == .notFound else { throw error }
            return []
        }
    }

    fileprivate func item(problem: Problem? = nil, wrongName: Bool = false) throws(KuraError)
        -> Answer
    {
        let found = try machines().first { $0.item == itemName && $0.vault == vault }
        guard let found else { return Answer(404, ErrorPage.notFound(frame)) }
        var state = ItemPage.State()
        state.machine = found
        state.points = try points()
        state.jobs = try subscription.jobs(JobFilter(vault: vault, limit: 200))
            .filter { $0.item == itemName }.prefix(10).map { JobView($0) }
        state.policies = try operations.policies(in: subscription.place(named: vault))
            .map(\.policy.name)
        state.today = PolicyZone.utc.date(at: operations.context.clock.now()).description
        state.problem = problem
        state.wrongName = wrongName
        return Answer(
            problem == nil && !wrongName ? 200 : 400,
            ItemPage.html(vault: vault, state, frame))
    }

    fileprivate func changePolicy(resumes: Bool) -> Answer {
        let policy = form["policy"] ?? ""
        let outcomes =
            resumes
            ? [operations.resume(itemName, policy: policy, vault: vault)]
            : operations.assignPolicy(policy, to: [itemName], vault: vault)
        return redirect(itemLink, toasts(outcomes) { .protected($0) })
    }

    fileprivate func stop() throws(KuraError) -> Answer {
        guard form["confirm"] == itemName else { return try item(wrongName: true) }
        let kind: Operations.StopKind =
            switch form["kind"] {
            case "delete": .deleteData
            case "per-policy": .perPolicy
            default: .retain
            }
        let outcome = operations.stopProtection(
            itemName, kind, comment: form.filled("comment"), vault: vault)
        return redirect(itemLink, toasts([outcome]) { .stopped($0) })
    }

    fileprivate func undelete() -> Answer {
        let outcome = operations.undelete(itemName, vault: vault)
        return redirect(itemLink, toasts([outcome]) { .broughtBack($0) })
    }

    // MARK: Restoring

    fileprivate func restorePage(_ form: RestoreForm, _ problem: Problem?) throws(KuraError)
        -> Answer
    {
        // An item that there is not has no page.
        _ = try subscription.registered(itemName, vault: vault)
        let page = RestorePage.html(
            vault: vault, item: itemName, form, points: try points(),
            targets: try site.accounts.targets(), problem: problem, frame)
        return Answer(problem == nil ? 200 : 400, page)
    }

    fileprivate func restore() throws(KuraError) -> Answer {
        let form = RestoreForm(request.form)
        // Only folders that an owner allowed, and only below them.
        let target = try site.accounts.targets().first { $0.name == form.target }
        guard let target else {
            return try restorePage(form, Problem("there is no such restore target"))
        }
        do throws(KuraError) {
            try Name.check(form.newName, what: "a virtual machine")
        } catch {
            return try restorePage(form, Problem(error))
        }
        let found = try subscription.registered(itemName, vault: vault)
        let all = try points().first { $0.id == form.point }?.disks ?? []
        var chosen: ItemState.DiskChoice?
        if !form.disks.isEmpty, Set(form.disks) != Set(all) {
            let luns = form.disks.compactMap { found.state.luns?[$0] }
            guard luns.count == form.disks.count else {
                return try restorePage(
                    form, Problem("these disks can only be restored all together"))
            }
            chosen = ItemState.DiskChoice(isExclusion: false, luns: luns)
        }
        let request = MachineRestore(
            itemName, vault: vault, point: form.point.isEmpty ? nil : form.point,
            to: FilePath(target.path), newName: form.newName, disks: chosen)
        let launch = site.launcher.start(operations) { operations in
            do throws(KuraError) {
                _ = try operations.restoreMachine(request)
                return nil
            } catch {
                return Problem(error)
            }
        }
        if launch.job == nil, let failure = launch.failure {
            return try restorePage(form, failure)
        }
        return launched(launch, .restoreStarted(itemName), back: itemLink)
    }
}
