internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// Space that is kept for removing data: a prune writes tombstones, and index runs without the
/// packs that are removed, and on a full disk there is no room even for a tombstone.
///
/// A file of zeros in every replica, larger than all of its index runs together. A prune removes it
/// first and writes it again at the end. It holds no data, so it may be missing, and a power
/// failure at any point loses only the reserve.
enum Reserve {
    static let byteCountMin = 1 << 20

    /// Length of a new reserve: a quarter larger than needed, in steps of 1 MiB, so that the next
    /// backups need not write it again.
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
                // The next write to the replica fails, too, and reports it.
                continue
            }
        }
    }

    /// Reserves space in the local ones of `replicas`, where too little is reserved. Where there is
    /// no room the reserve stays as it is; that is no failure of the replica.
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
