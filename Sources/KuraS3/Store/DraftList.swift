internal import KuraFormat
internal import KuraReplicas
internal import Synchronization

/// Uploads of this process that have no name yet.
final class DraftList: Sendable {
    private struct Draft {
        var owner: UniqueID
        var vault: StoreFolder?
    }

    private let state = Mutex<(serial: Int, drafts: [Int: Draft])>((0, [:]))

    func add(in folder: StoreFolder, by owner: UniqueID) -> Int {
        state.withLock { state in
            state.serial += 1
            state.drafts[state.serial] = Draft(owner: owner, vault: Layout.vault(of: folder))
            return state.serial
        }
    }

    func has(_ serial: Int) -> Bool { state.withLock { $0.drafts[serial] != nil } }

    func remove(_ serial: Int) { state.withLock { $0.drafts[serial] = nil } }

    func remove(in vault: StoreFolder, where isGone: (UniqueID) -> Bool) {
        let drafts = state.withLock { $0.drafts }
        for (serial, draft) in drafts where draft.vault == vault && isGone(draft.owner) {
            remove(serial)
        }
    }
}
