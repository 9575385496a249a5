internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Session {
    /// Drops recovery points. On return their tombstones are durable in every live replica, and
    /// their files are removed.
    ///
    /// If power fails among the tombstones, some points are dropped and some are not; if it fails
    /// before a point's file is gone, its tombstone hides it and the next session removes it. Works
    /// on a few points at a time, so that on a full disk removed files make room for the next
    /// tombstones.
    /// - Parameter reason: for people; kept in the tombstones.
    func drop(_ points: [RecoveryPointID], reason: String) throws(KuraError) {
        guard !points.isEmpty else { return }
        try prepare(Layout.dropped)
        for start in stride(from: 0, to: points.count, by: Self.dropsAtOnce) {
            let part = points[start..<min(start + Self.dropsAtOnce, points.count)]
            for id in part {
                let point = try readable(id)
                let record = DroppedPoint(
                    vault: vault.id, point: id, item: point?.item ?? "", time: point?.time ?? 0,
                    dropped: vault.clock.now(), reason: reason)
                try writer.publish(record.encoded(), as: .dropped(id))
            }
            for replica in writer.live { remove(Array(part), in: replica) }
            if let error = writer.error { throw error }
        }
    }

    private static let dropsAtOnce = 64

    /// The point; nil where it is damaged or missing: it can be dropped all the same.
    private func readable(_ id: RecoveryPointID) throws(KuraError) -> RecoveryPoint? {
        do throws(KuraError) {
            return try vault.recoveryPoint(id)
        } catch {
            guard error.code == .damaged || error.code == .notFound else { throw error }
            return nil
        }
    }

    private func remove(_ points: [RecoveryPointID], in replica: Replica) {
        do throws(IOError) {
            try replica.store.delete(
                points.flatMap { id in
                    [VaultFile.receipt(id), .point(id)].map { $0.name(in: vault.id) }
                })
        } catch {
            writer.fail(replica.ordinal, KuraError(io: error))
        }
    }

    /// Removes files of points that have a good tombstone: an earlier session died before it could,
    /// or a replica that was away came back with them.
    func removeDroppedPoints() throws(KuraError) {
        let dropped = try vault.droppedPoints()
        guard !dropped.isEmpty else { return }
        for replica in writer.live {
            let names: [String]
            do throws(IOError) {
                names = try replica.store.names(
                    in: Layout.vault(vault.id).folder(Layout.points))
            } catch {
                writer.fail(replica.ordinal, KuraError(io: error))
                continue
            }
            var left: [RecoveryPointID] = []
            for id in names.compactMap({ RecoveryPointID(hex: $0) }) where dropped.contains(id) {
                if try vault.hasGoodTombstone(id) { left.append(id) }
            }
            remove(left, in: replica)
        }
        if let error = writer.error { throw error }
    }
}
