import KuraIO
import KuraStore
import SystemPackage
import TestSupport
import Testing

extension TestStore {
    /// Everything that replicas must agree on, by path below the vault's directory.
    func tree(replica: Int) throws -> [String: [UInt8]] {
        let root = vaultPath(replica: replica)
        var tree = ["vault": try readFile(root.appending("vault"))]
        for directory in ["packs", "index", "points", "repairs", "dropped", "condemned"] {
            guard try LocalFileSystem().exists(root.appending(directory)) else { continue }
            for file in try files(directory, replica: replica) {
                tree[String(file.string.dropFirst(root.string.count + 1))] = try readFile(file)
            }
        }
        return tree
    }

    func expectEqualReplicas(
        _ comment: String = "", location: SourceLocation = #_sourceLocation
    ) throws {
        let first = try tree(replica: 0)
        for replica in 1..<3 {
            let other = try tree(replica: replica)
            let differing = Set(first.keys).union(other.keys).filter { first[$0] != other[$0] }
            #expect(differing.isEmpty, "replica \(replica) \(comment)", sourceLocation: location)
        }
    }

    /// Puts the replica's directory away, as if its disk were unmounted.
    func takeAway(_ replica: Int) throws {
        let path = region.replicas[replica].path
        try LocalFileSystem().rename(path, to: FilePath(path.string + ".away"), replacing: false)
    }

    func bringBack(_ replica: Int) throws {
        let path = region.replicas[replica].path
        removeTree(path)
        try LocalFileSystem().rename(FilePath(path.string + ".away"), to: path, replacing: false)
    }
}
