internal import KuraFormat
internal import KuraIO

/// What the regions of a subscription say about their vaults.
struct VaultSurvey {
    /// Per vault, the records with the highest revision of any replica of any region.
    var records: [[VaultRecord]] = []
    /// Per vault of which no region has a good record, why.
    var unreadable: [UniqueID: KuraError] = [:]
    /// Why regions, or replicas of them, could not be asked.
    var regionProblems: [KuraError] = []

    /// Why there may be more vaults than `records` has.
    var problems: [KuraError] {
        unreadable.sorted { $0.key.hex < $1.key.hex }.map(\.value) + regionProblems
    }
}
