internal import KuraFormat
internal import KuraIO
internal import SystemPackage

/// Space that is kept for taking things away: on a full disk not even a tombstone could be written,
/// and index runs are written anew without the packs that go.
///
/// A file of zeros in every replica, as large as all of its index runs and some more, which a prune
/// removes first and makes again at the end. It says nothing, so it may be missing, and a power
/// failure at any point costs only the reserve.
enum Reserve {
    static let byteCountMin = 1 << 20
    static let file = "reserve"

    /// Grown in steps, so that the next backups need not write it again.
    /// - Parameter needed: bytes of the index runs.
    static func byteCount(for needed: UInt64) -> UInt64 {
        let unit = UInt64(byteCountMin)
        return (needed + needed / 4 + unit) / unit * unit
    }
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
        let index = replica.path(of: Layout.index, in: id)
        var needed: UInt64 = 0
        for name in try fileSystem.list(index) {
            needed += try fileSystem.status(index.appending(name)).byteCount
        }
        let found = try fileSystem.exists(path) ? fileSystem.status(path).byteCount : 0
        guard found <= needed else { return }
        let publication = try Publication(fileSystem, temporary: temporary)
        let zeros = AlignedBuffer(byteCount: Reserve.byteCountMin)
        zeros.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        let byteCount = Reserve.byteCount(for: needed)
        while publication.byteCount < byteCount {
            try publication.append(UnsafeRawBufferPointer(zeros.bytes))
        }
        try publication.complete()
        try publication.publish(as: path, replacing: true)
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
