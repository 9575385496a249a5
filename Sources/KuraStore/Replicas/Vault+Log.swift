internal import KuraFormat
package import KuraIO
package import KuraLog
internal import KuraReplicas

extension Vault {
    /// Whether a log says what the vault is. Else it is of version 1, and listings say it.
    public var hasLog: Bool { record.requiredFeatures.contains(Feature.log) }

    /// The log, opened; nil without one.
    package func openedLog() throws(KuraError) -> OpenedLog? {
        hasLog ? try region.logs.log(of: id, in: region) : nil
    }

    /// What the newest record says, which is read first; nil without a log.
    package func state() throws(KuraError) -> VaultState? { try openedLog()?.state() }
}

extension VaultState {
    /// The vault as the rest of the engine knows it. Call it on a state with records.
    /// - Parameter created: when record 1 was made.
    func record(created: Int64) -> VaultRecord {
        guard let vault, let settings = vaultSettings, let position, let activeRegion else {
            preconditionFailure("a state without records has no vault")
        }
        return VaultRecord(
            id: vault, name: settings.name, region: settings.region, pair: settings.pair,
            failedOver: activeRegion != settings.region,
            // Only compared: of two regions, the one with more failovers and records is newer.
            revision: min(epoch, UInt64(UInt32.max)) << 32
                | min(position.number, UInt64(UInt32.max)),
            created: created, redundancy: settings.redundancy, copies: settings.copies,
            minCopies: settings.minCopies, chunker: settings.chunker,
            chunkBytesMean: settings.chunkBytesMean, macKey: settings.macKey,
            requiredFeatures: settings.requiredFeatures,
            optionalFeatures: settings.optionalFeatures)
    }

    /// What the small file says that makes old programs refuse the vault.
    var identity: VaultIdentity? {
        guard let vault, let settings = vaultSettings else { return nil }
        return VaultIdentity(
            id: vault, requiredFeatures: settings.requiredFeatures,
            optionalFeatures: settings.optionalFeatures)
    }

    /// Points that were not dropped.
    func livePoints() throws(KuraError) -> [PointEntry] {
        var points: [PointEntry] = []
        try visitPoints { point throws(KuraError) in
            if point.drop == nil { points.append(point) }
            return true
        }
        return points
    }
}

extension VaultState {
    /// Whether a pack or a run was given up.
    func isLost(_ file: VaultFile) throws(KuraError) -> Bool {
        switch file {
        case .pack(let id): try lost(LostBody.Object(.pack, id)) != nil
        case .run(let id): try lost(LostBody.Object(.run, id)) != nil
        default: false
        }
    }
}

extension LostBody.Object {
    /// The file, of a vault without a log, of the same kind and name.
    var file: VaultFile {
        switch kind {
        case .pack: .pack(name)
        case .run: .run(name)
        case .point: .point(name)
        }
    }
}
