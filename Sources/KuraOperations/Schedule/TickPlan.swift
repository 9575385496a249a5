public import KuraIO
internal import KuraVault

extension Operations {
    /// What `tick` would do at the context's time. Changes nothing.
    public func tickPlan() throws(KuraError) -> TickPlan {
        let now = context.clock.now()
        var plan = TickPlan(time: now)
        for place in try subscription.places() {
            do throws(KuraError) {
                plan.due += try dueItems(in: place, at: now, isPlan: true).map {
                    TickPlan.Run(item: $0.item.item, vault: place.name, time: $0.work.run)
                }
                if try pruneWork(in: place, now) != nil {
                    plan.pruned += try prunePlan(Pruning(vault: place.name))
                }
            } catch {
                plan.failures.append(TickFailure(what: "vault \(place.name)", error: error))
            }
        }
        return plan
    }
}
