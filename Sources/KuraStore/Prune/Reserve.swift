internal import KuraFormat
internal import KuraIO
internal import SystemPackage

/// Space that is kept for taking things away: on a full disk not even a tombstone could be written.
///
/// A file of zeros in every replica, which a prune removes first and makes again at the end. It says
/// nothing, so it may be missing, and a power failure at any point costs only the reserve.
enum Reserve {
    static let byteCount = 1 << 20
    static let file = "reserve"
}

extension Vault {
    private func reservePath(in replica: Replica) -> FilePath {
        replica.path(of: Reserve.file, in: id)
    }

    /// Gives the reserved space back to the file systems of all replicas.
    func releaseReserve() {
        for replica in replicas {
            do throws(IOError) {
                try fileSystem.remove(reservePath(in: replica))
            } catch {
                // There was none, or the replica fails: writing to it will tell.
                continue
            }
        }
    }

    /// Makes the reserve again in replicas that have none, for whoever could not begin.
    func keepReserve() {
        let name = UniqueID.random().hex
        for replica in replicas {
            do throws(IOError) {
                try keepReserve(
                    in: replica, temporary: replica.path(of: "\(Layout.temporary)/\(name)-1", in: id))
            } catch {
                continue
            }
        }
    }

    fileprivate func keepReserve(in replica: Replica, temporary: FilePath) throws(IOError) {
        let path = reservePath(in: replica)
        guard try !fileSystem.exists(path) else { return }
        try fileSystem.publish(
            [UInt8](repeating: 0, count: Reserve.byteCount), as: path, temporary: temporary,
            replacing: true)
    }
}

extension Session {
    /// Reserves space in every live replica that has none reserved. Where there is no room nothing
    /// is reserved; that is no failure of the replica.
    func keepReserve() {
        for replica in writer.live {
            do throws(IOError) {
                try vault.keepReserve(
                    in: replica, temporary: writer.temporaryName(in: replica))
            } catch {
                continue
            }
        }
    }
}
