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

    /// Reserves space in replicas where too little is reserved. Where there is no room it stays as it
    /// is; that is no failure of the replica.
    /// - Parameter temporary: a name in a replica's `tmp/` that nobody else uses.
    func keepReserve(in replicas: [Replica], temporary: (Replica) -> FilePath) {
        for replica in replicas {
            do throws(IOError) {
                try keepReserve(in: replica, temporary: temporary(replica))
            } catch {
                continue
            }
        }
    }

    private func keepReserve(in replica: Replica, temporary: FilePath) throws(IOError) {
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
    func keepReserve() {
        vault.keepReserve(in: writer.live, temporary: writer.temporaryName)
    }
}
