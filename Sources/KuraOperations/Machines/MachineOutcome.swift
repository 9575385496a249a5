public import KuraIO

/// What one machine of several came to.
public struct MachineOutcome: Sendable {
    /// As the caller named it.
    public var name: String
    /// The item; nil where there is none.
    public var item: String?
    public var job: String?
    public var warnings: [Warning] = []
    public var error: KuraError?
    /// When a scheduled backup that failed is made again, in nanoseconds since 1970.
    public var again: Int64?
    /// Of a backup.
    public var report: MadePoint?
}

extension Operations {
    /// Runs `body` and keeps its error.
    func outcome(
        _ name: String, _ body: (inout MachineOutcome) throws(KuraError) -> Void
    ) -> MachineOutcome {
        var outcome = MachineOutcome(name: name)
        do throws(KuraError) {
            try body(&outcome)
        } catch {
            outcome.error = error
        }
        return outcome
    }
}
