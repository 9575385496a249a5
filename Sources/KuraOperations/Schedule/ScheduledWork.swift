internal import KuraFormat
internal import KuraIO
internal import KuraVault

/// A piece of the schedule's work in one vault.
struct ScheduledWork {
    /// The item, or one of the names below.
    var item: String
    var vault: UniqueID
    /// When it was due, in nanoseconds since 1970.
    var run: Int64
    /// The last run that was done when this one was found to be due.
    var done: Int64

    // No item's name starts with a slash.
    static let prune = "/prune"
    static let replication = "/replicate"
}

extension Operations {
    /// Tries a piece of work that is due, once: unless another scheduler is at it, or has been
    /// since this one looked.
    ///
    /// The catalog knows of the attempt before it begins. So work that kills its process is not
    /// begun again and again, and work that was cut short or failed is made after a pause. The
    /// kernel's lock says whether the process that began it lives.
    ///
    /// - Returns: nil where it was not tried; when it is tried again where it failed, in
    ///   nanoseconds since 1970.
    func attempt<T>(
        _ work: ScheduledWork, _ body: () -> (value: T, error: KuraError?)
    ) throws(KuraError) -> (value: T, again: Int64?)? {
        let catalog = try subscription.catalog()
        let held: any LockHandle
        do throws(KuraError) {
            held = try subscription.lock(
                .work(work.item, of: work.vault), for: "scheduler", context.waits.once)
        } catch {
            guard error.code == .locked else { throw error }
            return nil
        }
        defer { held.release(removing: false) }
        let now = context.clock.now()
        guard let state = try catalog.schedule(of: work.item, in: work.vault),
            state.done == work.done, state.mayBegin(work.run, at: now)
        else { return nil }
        let begun = try catalog.begin(work.run, of: work.item, in: work.vault, at: now)
        let (value, error) = body()
        do throws(KuraError) {
            if error == nil {
                try catalog.finish(work.run, of: work.item, in: work.vault)
                return (value, nil)
            }
            // The scheduler itself was stopped: that is no attempt.
            if context.cancellation.isCancelled {
                try catalog.giveBack(work.item, in: work.vault)
                return (value, nil)
            }
        } catch {
            // The work counts for more than the catalog, by which it would be made once more.
        }
        return (value, error == nil ? nil : begun.nextTry)
    }
}
