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

    /// What is known in a place; read, and known from then on, where it is not.
    private func value<T: Sendable>(
        _ place: WritableKeyPath<Known, T?>, _ read: () throws(KuraError) -> T
    ) throws(KuraError) -> T {
        if let value = known.withLock({ $0[keyPath: place] }) { return value }
        let value = try read()
        known.withLock { $0[keyPath: place] = value }
        return value
    }

    func survey(_ read: () throws(KuraError) -> VaultSurvey) throws(KuraError) -> VaultSurvey {
        try value(\.survey, read)
    }

    func settings(
        of vault: UniqueID, _ read: () throws(KuraError) -> VaultSettings
    ) throws(KuraError) -> VaultSettings {
        try value(\.settings[vault], read)
    }

    func missingPacks(
        of vault: UniqueID, _ read: () throws(KuraError) -> Vault.MissingPacks
    ) throws(KuraError) -> Vault.MissingPacks {
        try value(\.missingPacks[vault], read)
    }

    func forgetRecords() { known.withLock { $0.survey = nil } }

    func forgetSettings(of vault: UniqueID) { known.withLock { $0.settings[vault] = nil } }
}
