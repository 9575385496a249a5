internal import KuraFormat
internal import KuraIO
internal import KuraStore
internal import Synchronization

/// What one request has read of vaults, so that it reads each of it once.
///
/// What the request changes itself is read again. A change that another process makes while the
/// request runs is not seen, as if the request had been made a moment earlier.
final class Snapshot: Sendable {
    private struct Known {
        var survey: VaultSurvey?
        var settings: [UniqueID: VaultSettings] = [:]
        /// Per vault, as it is read.
        var missingPacks: [UniqueID: Vault.MissingPacks] = [:]
    }

    private let known = Mutex(Known())

    func survey(_ read: () throws(KuraError) -> VaultSurvey) throws(KuraError) -> VaultSurvey {
        if let survey = known.withLock({ $0.survey }) { return survey }
        let survey = try read()
        known.withLock { $0.survey = survey }
        return survey
    }

    func settings(
        of vault: UniqueID, _ read: () throws(KuraError) -> VaultSettings
    ) throws(KuraError) -> VaultSettings {
        if let settings = known.withLock({ $0.settings[vault] }) { return settings }
        let settings = try read()
        known.withLock { $0.settings[vault] = settings }
        return settings
    }

    func missingPacks(
        of vault: UniqueID, _ read: () throws(KuraError) -> Vault.MissingPacks
    ) throws(KuraError) -> Vault.MissingPacks {
        if let missing = known.withLock({ $0.missingPacks[vault] }) { return missing }
        let missing = try read()
        known.withLock { $0.missingPacks[vault] = missing }
        return missing
    }

    func forgetRecords() { known.withLock { $0.survey = nil } }

    func forgetSettings(of vault: UniqueID) { known.withLock { $0.settings[vault] = nil } }
}
