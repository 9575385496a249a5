import KuraIO
import KuraPolicy
import KuraPortal

/// Pages that show one text wherever a text can stand.
struct Samples {
    let text: String
    var frame: Frame

    init(_ text: String, language: Language = .en, role: Role = .owner) {
        self.text = text
        frame = Frame()
        frame.language = language
        frame.account = text
        frame.role = role
        frame.path = ["vaults", text]
        frame.running = 2
        frame.toasts = [Toast(.backupStarted(text), job: text), Toast(.failed(text, text))]
        frame.seal = text
        frame.form = text
        frame.isLive = true
        frame.refresh = 4
    }

    static let now: Int64 = 1_796_054_400_000_000_000

    var problem: Problem {
        Problem(
            text,
            remedy: .anyOf([
                .advice(text), .vault(.show(text)), .machine(.register(text)),
                .point(.confirmPrune(vault: text, token: text)), .home(.allowDisks(text)),
            ]), code: text)
    }

    var vault: VaultView {
        var vault = VaultView()
        vault.name = text
        vault.region = text
        vault.pair = text
        vault.redundancy = text
        vault.profile = text
        vault.storedBytes = 5_000_000
        return vault
    }

    var region: RegionView {
        var region = RegionView()
        region.name = text
        region.pair = text
        region.replicas = [.init(path: text, problem: nil), .init(path: text, problem: text)]
        region.vaults = [text]
        return region
    }

    var machines: [MachineView] {
        [
            "Not registered", "Registered", "Protected", "Protected (initial backup pending)",
            "Protection stopped", "Soft deleted", text,
        ].enumerated().map { number, status in
            var machine = MachineView()
            machine.name = text
            machine.cloudService = "\(text)\(number)"
            machine.region = text
            machine.item = "\(text)\(number)"
            machine.vault = status == "Not registered" ? nil : text
            machine.status = status
            machine.policy = text
            machine.lastBackup = Self.now
            machine.nextRun = Self.now
            machine.deletedUntil = Self.now
            machine.points = 3
            machine.isGone = number == 3
            machine.isOverdue = number == 2
            return machine
        }
    }

    var agents: [AgentView] {
        [AgentView.State.ready, .off, .absent, .old, .updating].map { state in
            var agent = AgentView()
            agent.reference = text
            agent.system = text
            agent.version = text
            agent.state = state
            agent.problem = state == .absent ? text : nil
            return agent
        }
    }

    var jobs: [JobView] {
        ["InProgress", "Completed", "CompletedWithWarnings", "Failed", "Cancelled", text].map {
            status in
            var job = JobView()
            job.id = text
            job.operation = text
            job.status = status
            job.vault = text
            job.item = text
            job.started = Self.now - 3_600_000_000_000
            job.ended = status == "InProgress" ? nil : Self.now
            job.seconds = job.ended == nil ? nil : 3600
            job.progress = 0.375
            job.process = text
            job.tasks = [.init(name: text, status: text)]
            job.failure = status == "Failed" ? problem : nil
            job.warnings = [Warning(text, remedy: .advice(text))]
            job.output = text
            job.recoveryPoint = text
            job.canBeCancelled = true
            return job
        }
    }

    var points: [PointView] {
        ["daily", "weekly", "yearly", text].enumerated().map { number, tag in
            var point = PointView()
            point.id = "\(text)\(number)"
            point.time = Self.now - Int64(number) * 86_400_000_000_000
            point.consistency = text
            point.tags = [tag]
            point.expires = Self.now
            point.copies = 2
            point.copiesWanted = 3
            point.disks = [text]
            return point
        }
    }

    var policy: Policy {
        Policy(
            name: text, zone: .utc, schedule: Policy.standard.schedule,
            retention: Policy.standard.retention)
    }

    var fields: PolicyForm {
        var form = PolicyForm.tutorial
        form.name = text
        form.times = text
        form.zone = text
        form.tiers[.monthly]?.dates = text
        form.tiers[.daily]?.count = text
        form.problem = PolicyError("retention.monthly", text, allowed: text)
        return form
    }

    var simulation: SimulationView { SimulationView(.standard, from: LocalDate(dayNumber: 20_000)) }

    func protect(_ step: ProtectForm.Step, isNew: Bool) -> HTML {
        var form = ProtectForm()
        form.step = step
        form.items = [text]
        form.policy = isNew ? "" : text
        form.fields = fields
        form.problem = .chooseSome
        var offer = ProtectPage.Offer()
        offer.machines = machines
        offer.policies = [policy]
        offer.simulation = simulation
        offer.failure = problem
        return ProtectPage.html(vault: text, form, offer: offer, frame)
    }

    private var vaultPages: [(String, HTML)] {
        var form = VaultForm()
        form.name = text
        form.region = text
        form.nameProblem = text
        var counts = QuickStartPage.Counts()
        counts.discovered = 3
        var state = DashboardPage.State()
        state.machines = machines
        state.jobs = jobs
        state.usage = UsageView()
        state.lags = [LagView(vault: text, text: text)]
        state.absences = [problem]
        state.now = Self.now
        var own = state
        own.vault = vault
        return [
            ("vaults", VaultsPage.html([vault], absences: [problem], frame)),
            (
                "new vault",
                NewVaultPage.html(form, regions: [region], home: text, problem: problem, frame)
            ),
            ("quick start", QuickStartPage.html(vault, counts: counts, frame)),
            (
                "configure",
                ConfigurePage.html(vault, isFrozen: true, hasPair: false, problem: problem, frame)
            ),
            ("dashboard", DashboardPage.html(state, frame)),
            ("dashboard of a vault", DashboardPage.html(own, frame)),
            ("regions", RegionsPage.html([region], lags: state.lags, frame)),
        ]
    }

    private var machinePages: [(String, HTML)] {
        var item = ItemPage.State()
        item.machine = machines[2]
        item.points = points
        item.jobs = jobs
        item.policies = [text]
        item.today = "2026-11-30"
        item.problem = problem
        item.wrongName = true
        var deleted = item
        deleted.machine = machines[5]
        var restore = RestoreForm()
        restore.newName = text
        restore.target = text
        restore.point = points[0].id
        return [
            ("registered", RegisteredPage.html(vault: text, machines, inventory: text, frame)),
            ("no inventory", RegisteredPage.html(vault: text, [], inventory: nil, frame)),
            ("register", RegisterPage.html(vault: text, machines, problem: .chooseSome, frame)),
            ("agents", AgentsPage.html(vault: text, agents, frame)),
            ("protected", ProtectedPage.html(vault: text, machines, problem: .chooseSome, frame)),
            ("item", ItemPage.html(vault: text, item, frame)),
            ("deleted item", ItemPage.html(vault: text, deleted, frame)),
            (
                "restore",
                RestorePage.html(
                    vault: text, item: text, restore, points: points,
                    targets: [TargetView(name: text, path: text)], problem: problem, frame)
            ),
        ]
            + ProtectForm.Step.allCases.flatMap { step in
                [true, false].map {
                    ("protect \(step) \($0)", protect(step, isNew: $0))
                }
            }
    }

    private var otherPages: [(String, HTML)] {
        var state = PolicyPage.State()
        state.known = policy
        state.simulation = simulation
        state.going = [(text, 3)]
        state.failure = problem
        var filter = JobsPage.Filter()
        filter.status = text
        filter.operation = text
        var audit = AuditView()
        audit.time = Self.now
        (audit.who, audit.what, audit.note, audit.vault, audit.source) =
            (text, text, text, text, text)
        var settings = SettingsPage.State()
        settings.home = text
        settings.version = text
        settings.inventory = text
        settings.targets = [TargetView(name: text, path: text)]
        settings.accounts = [AccountView(name: text, role: .reader)]
        settings.sessions = [
            SessionView(id: text, account: text, source: text, lastSeen: Self.now, isThis: false)
        ]
        settings.problem = problem
        return [
            ("policies", PoliciesPage.html(vault: text, [(policy, [text])], frame)),
            ("policy", PolicyPage.html(vault: text, fields, state: state, frame)),
            ("new policy", PolicyPage.html(vault: text, fields, state: PolicyPage.State(), frame)),
            (
                "jobs",
                JobsPage.html(
                    jobs, vault: text, filter: filter, operations: [text], statuses: [text], frame)
            ),
            ("audit", AuditPage.html(calls: [audit], journal: [audit], frame)),
            ("settings", SettingsPage.html(settings, frame)),
            ("error", ErrorPage.problem(problem, vault: text, frame)),
            ("denied", ErrorPage.denied(needs: .owner, frame)),
            ("sign in", SignInPage.html(.wrong, account: text, next: text, frame)),
            ("first", SignInPage.first(token: text, account: text, problem: .staleForm, frame)),
        ] + jobs.map { ("job \($0.status)", JobPage.html($0, frame)) }
    }

    /// Every page, with a name for messages.
    var pages: [(name: String, html: HTML)] { vaultPages + machinePages + otherPages }
}
