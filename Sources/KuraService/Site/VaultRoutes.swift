internal import KuraFormat
internal import KuraIO
internal import KuraMachines
internal import KuraOperations
internal import KuraPolicy
internal import KuraPortal
internal import KuraVault
internal import SystemPackage

extension Site {
    static var vaultRoutes: [Route] {
        [
            Route(.get, "/", for: .reader) { visit throws(KuraError) in try visit.dashboard(nil) },
            Route(.get, "/vaults", for: .reader) { visit throws(KuraError) in try visit.vaults() },
            Route(.get, "/vaults/new", for: .contributor) { visit throws(KuraError) in
                try visit.newVault(VaultForm(), nil)
            },
            Route(.post, "/vaults/new", for: .contributor) { visit throws(KuraError) in
                try visit.createVault()
            },
            Route(.get, "/vaults/:vault", for: .reader) { visit throws(KuraError) in
                try visit.quickStart()
            },
            Route(.get, "/vaults/:vault/dashboard", for: .reader) { visit throws(KuraError) in
                try visit.dashboard(visit.vault)
            },
            Route(.get, "/vaults/:vault/configure", for: .reader) { visit throws(KuraError) in
                try visit.configure(nil)
            },
            Route(.post, "/vaults/:vault/configure", for: .contributor) { visit throws(KuraError) in
                try visit.setRedundancy()
            },
            Route(.get, "/regions", for: .reader) { visit throws(KuraError) in
                try visit.regions(nil)
            },
            Route(.post, "/regions", for: .owner) { visit throws(KuraError) in try visit.addRegion()
            },
        ]
    }
}

extension Visit {
    /// The vault of the route; throws where there is none.
    func vaultView() throws(KuraError) -> VaultView {
        var view = VaultView(try operations.vault(named: vault))
        view.profile = try operations.limits(ofVault: vault).profile
        return view
    }

    func regionViews() throws(KuraError) -> [RegionView] {
        try operations.regions().map { RegionView($0) }
    }

    fileprivate func lags(_ vault: String? = nil) throws(KuraError) -> [LagView] {
        try operations.replicationLags().compactMap { LagView($0) }
            .filter { vault == nil || $0.vault == vault }
    }

    fileprivate func dashboard(_ name: String?) throws(KuraError) -> Answer {
        var state = DashboardPage.State()
        state.now = operations.context.clock.now()
        if name != nil {
            state.vault = try vaultView()
            state.usage = UsageView(try operations.statistics(ofVault: name))
        }
        state.machines = try subscription.machineRows(.registered, vault: name)
            .filter { $0.vault != nil && (name == nil || $0.vault == name) }
            .map { MachineView($0) }
        state.jobs = try subscription.jobs(JobFilter(vault: name, limit: 500))
            .map { JobView($0) }
        state.lags = try lags(name)
        state.absences = try subscription.absences(of: name).map { Problem($0) }
        return Answer(200, DashboardPage.html(state, frame))
    }

    fileprivate func vaults() throws(KuraError) -> Answer {
        let views = try operations.vaults().map { VaultView($0) }
        let absences = try subscription.absences(points: false).map { Problem($0) }
        return Answer(200, VaultsPage.html(views, absences: absences, frame))
    }

    // MARK: Quick create

    fileprivate func newVault(_ form: VaultForm, _ problem: Problem?) throws(KuraError) -> Answer {
        var form = form
        let regions = try regionViews()
        if form.region.isEmpty { form.region = regions.first?.name ?? "" }
        let page = NewVaultPage.html(
            form, regions: regions, home: subscription.home.string, problem: problem, frame)
        return Answer(problem == nil && form.nameProblem == nil ? 200 : 400, page)
    }

    fileprivate func createVault() throws(KuraError) -> Answer {
        let form = VaultForm(request.form)
        guard form.nameProblem == nil else { return try newVault(form, nil) }
        var new = VaultCreation(name: form.name, region: form.region)
        new.redundancy = Redundancy.allCases.first { $0.name == form.redundancy }
        new.profile = PolicyLimits.all.first { $0.profile == form.profile } ?? .classic
        do throws(KuraError) {
            let made = try operations.createVault(new)
            return redirect(Link("vaults"), Toast(.created(vault: made.name)))
        } catch {
            guard error.httpStatus < 500 else { throw error }
            return try newVault(form, Problem(error))
        }
    }

    // MARK: Quick start and configuration

    fileprivate func quickStart() throws(KuraError) -> Answer {
        let view = try vaultView()
        let rows = try subscription.machineRows(.all, vault: vault)
        let mine = rows.filter { $0.vault == vault }
        let ready = try operations.machineAgents(ofVault: vault).filter { agent in
            agent.status == .ready || agent.status == .machineStopped
        }
        var counts = QuickStartPage.Counts()
        counts.discovered = rows.count { !$0.isGone }
        counts.registered = mine.count
        counts.ready = ready.count { agent in mine.contains { $0.item == agent.item } }
        counts.protected = mine.count { $0.status.hasPrefix("Protected") }
        counts.points = view.pointCount
        return Answer(200, QuickStartPage.html(view, counts: counts, frame))
    }

    fileprivate func configure(_ problem: Problem?) throws(KuraError) -> Answer {
        let view = try vaultView()
        let isPaired = try operations.regions().contains {
            $0.name == view.region && $0.pair != nil
        }
        let hasPair = view.pair != nil || isPaired
        let page = ConfigurePage.html(
            view, isFrozen: view.itemCount > 0 || view.pointCount > 0, hasPair: hasPair,
            problem: problem, frame)
        return Answer(problem == nil ? 200 : 409, page)
    }

    fileprivate func setRedundancy() throws(KuraError) -> Answer {
        let named = form["redundancy"] ?? ""
        guard let kind = Redundancy.allCases.first(where: { $0.name == named }) else {
            return try configure(Problem("there is no redundancy \(named.prefix(20))"))
        }
        let request = RedundancyRequest(
            vault: vault, kind: kind, converts: form["convert"] == "yes")
        let here = Link("vaults", vault, "configure")
        guard request.converts else {
            do throws(KuraError) {
                _ = try operations.setRedundancy(request)
            } catch {
                guard error.httpStatus < 500 else { throw error }
                return try configure(Problem(error))
            }
            return redirect(here, Toast(.redundancySaved))
        }
        // It copies and verifies all of the vault.
        let launch = site.launcher.start(operations) { operations in
            do throws(KuraError) {
                _ = try operations.setRedundancy(request)
                return nil
            } catch {
                return Problem(error)
            }
        }
        return launched(launch, .redundancySaved, back: here)
    }

    // MARK: Regions

    fileprivate func regions(_ problem: Problem?) throws(KuraError) -> Answer {
        let page = RegionsPage.html(try regionViews(), lags: try lags(), problem: problem, frame)
        return Answer(problem == nil ? 200 : 400, page)
    }

    fileprivate func addRegion() throws(KuraError) -> Answer {
        let name = form["region"] ?? ""
        do throws(KuraError) {
            _ = try operations.addRegion(.init(name: name, pair: form.filled("pair")))
        } catch {
            guard error.httpStatus < 500 else { throw error }
            return try regions(Problem(error))
        }
        return redirect(Link("regions"), Toast(.regionAdded(name)))
    }
}
