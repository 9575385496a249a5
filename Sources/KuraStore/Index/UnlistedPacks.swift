internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

extension Vault {
    /// Packs that no run lists, that no condemnation names, and that no session is about to list:
    /// none while another session or reader than the caller's is open. A replica that was away
    /// while packs were removed brings them back.
    func unlistedPacks(_ index: ChunkIndex) throws(KuraError) -> Set<PackID> {
        guard try openUsers(except: nil).count <= 1 else { return [] }
        let listed = Set(index.packs.map(\.id))
        var unlisted = Set<PackID>()
        for directory in Layout.fanOut {
            for name in try list("\(Layout.packs)/\(directory)").keys {
                if let id = PackID(hex: name), !listed.contains(id) { unlisted.insert(id) }
            }
        }
        return unlisted.subtracting(try condemnedPacks())
    }
}
