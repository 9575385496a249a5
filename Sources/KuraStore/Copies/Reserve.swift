internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Space that is kept for taking things away: on a full disk not even a tombstone could be written,
/// and index runs are written anew without the packs that go.
///
/// A file of zeros in every replica, as large as all of its index runs and some more, which a prune
/// removes first and makes again at the end. It says nothing, so it may be missing, and a power
/// failure at any point costs only the reserve.
enum Reserve {
    static let byteCountMin = 1 << 20

    /// Grown in steps, so that the next backups need not write it again.
    /// - Parameter needed: bytes of the index runs.
    static func byteCount(for needed: UInt64) -> UInt64 {
        let unit = UInt64(byteCountMin)
        return (needed + needed / 4 + unit) / unit * unit
    }
}

extension Vault {
    private var reserve: StoreName { Layout.vault(id).object(Layout.reserve) }

    /// Gives the reserved space back to the devices of all replicas.
    func releaseReserve() {
        for replica in replicas where replica.store.traits.isLocal {
            do throws(IOError) {
                try replica.store.delete([reserve])
            } catch {
                // The replica fails: writing to it will tell.
                continue
            }
        }
    }

    /// Reserves space in replicas where too little is reserved. Where there is no room it stays as
    /// it is; that is no failure of the replica. A store elsewhere has its own rules of room.
    /// - Parameter session: owner of the drafts.
    func keepReserve(in replicas: [Replica], session: UniqueID) {
        for replica in replicas where replica.store.traits.isLocal {
            do throws(IOError) {
                try keepReserve(in: replica.store, session)
            } catch {
                continue
            }
        }
    }

    private func keepReserve(in store: any Store, _ session: UniqueID) throws(IOError) {
        let index = Layout.vault(id).folder(Layout.index)
        var needed: UInt64 = 0
        for name in try store.names(in: index) {
            needed += try store.status(index.object(name)).byteCount
        }
        let found = try store.exists(reserve) ? store.status(reserve).byteCount : 0
        guard found <= needed else { return }
        let upload = try store.upload(in: reserve.folder, by: session)
        let zeros = AlignedBuffer(byteCount: Reserve.byteCountMin)
        zeros.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        let byteCount = Reserve.byteCount(for: needed)
        while upload.byteCount < byteCount {
            try upload.append(UnsafeRawBufferPointer(zeros.bytes))
        }
        try upload.complete()
        _ = try upload.finish(as: reserve, .replacing)
    }
}

extension Session {
    func keepReserve() { vault.keepReserve(in: writer.live, session: id) }
}
