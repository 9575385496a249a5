package import KuraFormat
public import KuraIO
internal import KuraReplicas
public import SystemPackage

/// One replica directory of a region.
public struct Replica: Sendable {
    /// 0, 1 or 2.
    public let ordinal: Int
    public let path: FilePath
    public let regionName: String
    let fileSystem: any FileSystem
    /// Paths are made of one string each: FilePath looks at all of a path every time it grows.
    private let root: String

    public init(
        ordinal: Int, path: FilePath, regionName: String, fileSystem: any FileSystem
    ) {
        self.ordinal = ordinal
        self.path = path
        root = path.string
        self.regionName = regionName
        self.fileSystem = fileSystem
    }

    var recordPath: FilePath { path.appending(Layout.replicaRecord) }
    var fillingPath: FilePath { path.appending(Layout.fillingRecord) }
    var vaultsPath: FilePath { path.appending(Layout.vaults) }

    package func vaultPath(_ vault: UniqueID) -> FilePath {
        FilePath("\(root)/\(Layout.vaults)/\(vault.hex)")
    }

    package func path(of file: VaultFile, in vault: UniqueID) -> FilePath {
        path(of: file.relativePath, in: vault)
    }

    /// - Parameter name: a file or directory below the vault's directory.
    func path(of name: String, in vault: UniqueID) -> FilePath {
        FilePath("\(root)/\(Layout.vaults)/\(vault.hex)/\(name)")
    }

    /// Checks that the directory is this replica of `region`, and may be used.
    func identify(as region: UniqueID, owner: ReplicaOwner) throws(KuraError) {
        let record: ReplicaRecord
        do {
            try owner.check(path, fileSystem)
            let bytes = try fileSystem.contents(recordPath, max: SealedRecord.byteCountMax)
            record = try ReplicaRecord.decode(bytes)
        } catch let error as IOError where error.isNotFound {
            throw KuraError(
                .replicaMissing,
                "replica \(ordinal) of region \(regionName) is missing: \(path) has no identity file",
                remedy: .anyOf([
                    .advice("mount its disk"), .advice("correct its path"), .region(.fillReplicas),
                ]))
        } catch let error as FormatError {
            throw KuraError(format: error, at: recordPath.string)
        } catch {
            throw KuraError(error)
        }
        guard record.region == region, Int(record.ordinal) == ordinal else {
            throw KuraError(
                .replicaMissing,
                "\(path) is replica \(record.ordinal) of region \(record.regionName), "
                    + "not replica \(ordinal) of region \(regionName)",
                remedy: .advice("correct the replica's path in the home"))
        }
    }
}
