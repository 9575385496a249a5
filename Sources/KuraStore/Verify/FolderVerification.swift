internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Lists every folder of a vault in every replica, and records those that cannot be listed.
///
/// The other parts of a verification take the names that any replica has, so they do not see that
/// one replica cannot say what it holds.
struct FolderVerification {
    private let verification: Verification

    init(_ verification: Verification) { self.verification = verification }

    func run() {
        for replica in verification.replicas {
            for kind in ObjectKind.all where !kind.folder.isEmpty { check(kind, in: replica) }
        }
    }

    private func check(_ kind: ObjectKind, in replica: Replica) {
        let whole = Layout.vault(verification.vault.id).folder(kind.folder)
        let folders = kind.isFannedOut ? Layout.fanOut.map { whole.folder($0) } : [whole]
        var failures: [(folder: StoreFolder, error: IOError)] = []
        for folder in folders {
            if let error = failure(of: folder, in: replica) {
                failures.append((folder, error))
            }
        }
        // What is wrong with the folder around them is said once.
        if kind.isFannedOut, failures.count == folders.count {
            failures = [(whole, failures[0].error)]
        }
        for (folder, error) in failures {
            var damage = Damage(in: replica, folder, error)
            damage.structure = kind.structure
            verification.note(damage)
        }
    }

    private func failure(
        of folder: StoreFolder, in replica: Replica
    ) -> IOError? {
        do throws(IOError) {
            _ = try replica.store.names(in: folder)
            return nil
        } catch {
            // Files of a folder that is not there are missed by their names. Without any it is no
            // loss: copies made by tools that leave out empty folders are whole.
            return error.isNotFound && !error.isNoFolder ? nil : error
        }
    }
}
