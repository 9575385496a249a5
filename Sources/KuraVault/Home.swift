internal import FoundationEssentials
internal import KuraFormat
package import KuraIO
internal import KuraReplicas
internal import KuraStore
package import SystemPackage

/// The directory that says which regions there are: a subscription's own memory.
///
/// It holds nothing that a restore needs but the paths of the replicas; losing it loses no recovery
/// point.
package struct Home {
    static let fileName = "kura.json"
    static let formatVersion = 1
    private static let byteCountMax = 1 << 20

    struct RegionEntry: Codable {
        var id: String
        var name: String
        /// Absolute, or relative to the home.
        var replicas: [String]
        /// Name of the region that vaults made here are copied to; nil without one.
        var pair: String?
    }

    private struct Document: Codable {
        var formatVersion: Int
        var regions: [RegionEntry]

        enum CodingKeys: String, CodingKey {
            case formatVersion = "format_version"
            case regions
        }
    }

    private struct Version: Decodable {
        var formatVersion: Int
        enum CodingKeys: String, CodingKey { case formatVersion = "format_version" }
    }

    let path: FilePath
    var regions: [RegionEntry]
    private let fileSystem = LocalFileSystem()

    private static func file(_ path: FilePath) -> FilePath { path.appending(fileName) }

    private static func temporaryName() -> String { "\(fileName).\(UniqueID.random()).new" }

    /// Whether a name is that of a file which a process that was cut short left behind, or of what
    /// a new file system has.
    private static func isTemporary(_ name: String) -> Bool {
        (name.hasPrefix("\(fileName).") && name.hasSuffix(".new")) || name == "lost+found"
    }

    /// Whether `path` holds a home. A directory with other things in it is an error; what is left
    /// of the making of a home that was cut short is not.
    package static func exists(at path: FilePath) throws(KuraError) -> Bool {
        let fileSystem = LocalFileSystem()
        do {
            if try fileSystem.exists(file(path)) { return true }
            guard try fileSystem.exists(path) else { return false }
            guard try fileSystem.list(path).allSatisfy(isTemporary) else {
                throw KuraError(
                    .invalidInput, "\(path) is not a Kura home: it has no \(fileName)",
                    remedy: .home(.chooseAnother))
            }
            return false
        } catch {
            throw KuraError(error)
        }
    }

    /// Whether `path` holds a home, whatever else is in it.
    package static func isThere(_ path: FilePath) throws(KuraError) -> Bool {
        do throws(IOError) {
            return try LocalFileSystem().exists(file(path))
        } catch {
            throw KuraError(io: error)
        }
    }

    /// Whether the file that names the regions is there and cannot be understood.
    package static func isDamaged(at path: FilePath) throws(KuraError) -> Bool {
        do throws(KuraError) {
            _ = try open(at: path)
            return false
        } catch {
            guard error.code == .damaged else { throw error }
            return true
        }
    }

    /// Moves the file that names the regions out of the way.
    /// - Returns: where it is now.
    package static func setAside(
        at path: FilePath, suffix: String
    ) throws(KuraError) -> FilePath {
        let kept = path.appending(fileName + suffix)
        do throws(IOError) {
            try LocalFileSystem().rename(file(path), to: kept, replacing: true)
        } catch {
            throw KuraError(io: error)
        }
        return kept
    }

    package static func create(at path: FilePath) throws(KuraError) -> Home {
        let home = Home(path: path, regions: [])
        do {
            try home.fileSystem.makeDirectories(path)
        } catch {
            throw KuraError(error)
        }
        try home.save()
        return home
    }

    static func open(at path: FilePath) throws(KuraError) -> Home {
        let file = file(path)
        do {
            let bytes = try LocalFileSystem().contents(file, max: byteCountMax)
            let data = Data(bytes)
            let version = try JSONDecoder().decode(Version.self, from: data).formatVersion
            guard version <= formatVersion else {
                throw KuraError(
                    .unsupported,
                    "the home \(path) has format version \(version), "
                        + "which this Kura does not know",
                    remedy: .useNewerKura)
            }
            let document = try JSONDecoder().decode(Document.self, from: data)
            for region in document.regions {
                guard UniqueID(hex: region.id) != nil,
                    1...Limits.replicasMax ~= region.replicas.count
                else { throw damaged(file) }
            }
            return Home(path: path, regions: document.regions)
        } catch is DecodingError {
            throw damaged(file)
        } catch {
            throw KuraError(error)
        }
    }

    private static func damaged(_ file: FilePath) -> KuraError {
        KuraError(
            .damaged, "\(file) is damaged",
            remedy: .anyOf([.home(.rebuildHome), .advice("restore the file from a copy")]))
    }

    func save() throws(KuraError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let document = Document(formatVersion: Self.formatVersion, regions: regions)
            let bytes = Array(try encoder.encode(document)) + [UInt8(ascii: "\n")]
            try fileSystem.publish(
                bytes, as: Self.file(path),
                temporary: path.appending(Self.temporaryName()),
                replacing: true)
        } catch {
            throw KuraError(error)
        }
    }

    func open(
        _ entry: RegionEntry, for context: Context, _ fileSystem: any FileSystem
    ) throws(KuraError) -> Region {
        guard let id = UniqueID(hex: entry.id) else { throw Self.damaged(Self.file(path)) }
        return Region(
            id: id, name: entry.name,
            stores: stores(of: entry.replicas, for: context, fileSystem), clock: context.clock,
            budget: context.budget, waits: context.waits)
    }

    /// The stores of a region's replicas.
    /// - Parameter replicas: their directories, as the home keeps them.
    func stores(
        of replicas: [String], for context: Context, _ fileSystem: any FileSystem
    ) -> [any Store] {
        DirectoryStore.stores(
            at: replicas.map { path.pushing(FilePath($0)) }, owner: ReplicaOwner(context),
            fileSystem: fileSystem)
    }
}

extension ReplicaOwner {
    /// Whose replica directories are used, as the caller's environment says.
    init(_ context: Context) {
        self = context.environment[Self.variable] == "1" ? .anybody : .trusted
    }
}
