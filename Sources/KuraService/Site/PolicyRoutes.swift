internal import KuraIO
internal import KuraOperations
internal import KuraPolicy
internal import KuraPortal
internal import KuraVault

extension Site {
    static var policyRoutes: [Route] {
        [
            Route(.get, "/vaults/:vault/policies", for: .reader) { visit throws(KuraError) in
                try visit.policies()
            },
            Route(.get, "/vaults/:vault/new-policy", for: .contributor) { visit throws(KuraError) in
                try visit.newPolicy(.tutorial, nil)
            },
            Route(.post, "/vaults/:vault/new-policy", for: .contributor) {
                visit throws(KuraError) in
                try visit.createPolicy()
            },
            Route(.get, "/vaults/:vault/policies/:policy", for: .reader) {
                visit throws(KuraError) in
                try visit.policy(nil, PolicyPage.State())
            },
            Route(.post, "/vaults/:vault/policies/:policy", for: .contributor) {
                visit throws(KuraError) in try visit.changePolicy()
            },
        ]
    }
}

extension Visit {
    private func place() throws(KuraError) -> VaultPlace { try subscription.place(named: vault) }

    fileprivate func policies() throws(KuraError) -> Answer {
        let found = try operations.policies(in: place()).map { ($0.policy, $0.items) }
        return Answer(200, PoliciesPage.html(vault: vault, found, frame))
    }

    /// - Parameter failure: why the engine refused it.
    fileprivate func newPolicy(_ form: PolicyForm, _ failure: Problem?) throws(KuraError)
        -> Answer
    {
        var form = form
        var state = PolicyPage.State()
        state.failure = failure
        let limits = try operations.limits(ofVault: vault)
        var named = form
        // So that the first look, before there is a name, has its simulation, too.
        if named.name.isEmpty { named.name = "policy" }
        do throws(PolicyError) {
            state.simulation = simulation(of: try named.policy(for: limits))
        } catch {
            form.problem = error
        }
        let isWrong = failure != nil || form.problem != nil
        return Answer(isWrong ? 400 : 200, PolicyPage.html(vault: vault, form, state: state, frame))
    }

    fileprivate func createPolicy() throws(KuraError) -> Answer {
        var form = PolicyForm(request.form)
        if self.form["go"] == "stay" { return try newPolicy(form, nil) }
        let limits = try operations.limits(ofVault: vault)
        let policy: Policy
        do throws(PolicyError) {
            policy = try form.policy(for: limits)
        } catch {
            form.problem = error
            return Answer(
                400, PolicyPage.html(vault: vault, form, state: PolicyPage.State(), frame))
        }
        do throws(KuraError) {
            _ = try operations.createPolicy(policy, in: place())
        } catch {
            guard error.httpStatus < 500 else { throw error }
            return try newPolicy(form, Problem(error))
        }
        return redirect(
            Link("vaults", vault, "policies"), Toast(.policySaved(policy.name)))
    }

    /// - Parameter form: what was typed; nil for the policy as it is.
    fileprivate func policy(_ form: PolicyForm?, _ state: PolicyPage.State) throws(KuraError)
        -> Answer
    {
        let found = try operations.policy(named: names.last ?? "", in: place())
        var state = state
        state.known = found.policy
        state.items = found.items
        if state.simulation == nil, form == nil {
            state.simulation = simulation(of: found.policy)
        }
        let fields = form ?? PolicyForm(found.policy)
        let isWrong = state.failure != nil || fields.problem != nil
        return Answer(
            isWrong ? 400 : 200, PolicyPage.html(vault: vault, fields, state: state, frame))
    }

    fileprivate func changePolicy() throws(KuraError) -> Answer {
        let name = names.last ?? ""
        var form = PolicyForm(request.form)
        form.name = name
        var state = PolicyPage.State()
        do throws(KuraError) {
            if self.form["go"] == "delete" {
                try operations.deletePolicy(named: name, in: place())
                return redirect(
                    Link("vaults", vault, "policies"), Toast(.policyDeleted(name)))
            }
            let limits = try operations.limits(ofVault: vault)
            let policy: Policy
            do throws(PolicyError) {
                policy = try form.policy(for: limits)
            } catch {
                form.problem = error
                return try self.policy(form, state)
            }
            if self.form["go"] == "stay" {
                let preview = try operations.previewUpdate(
                    ofPolicy: name, to: policy, in: place())
                state.going = Dictionary(grouping: preview.dropped, by: \.item)
                    .map { ($0.key, $0.value.count) }.sorted { $0.0 < $1.0 }
                state.simulation = simulation(of: policy)
                return try self.policy(form, state)
            }
            let changed = try operations.updatePolicy(named: name, to: policy, in: place())
            let going = changed.going.map { Toast(.going($0.points, of: $0.item)) }
            return redirect(
                Link("vaults", vault, "policies", name), [Toast(.policySaved(name))] + going)
        } catch {
            guard error.httpStatus < 500 else { throw error }
            state.failure = Problem(error)
            return try self.policy(form, state)
        }
    }
}
