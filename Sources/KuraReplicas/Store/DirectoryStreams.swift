internal import KuraIO
internal import SystemPackage

/// A file on its way into a directory.
final class DirectoryUpload: Upload {
    private let store: DirectoryStore
    private let publication: Publication

    init(_ store: DirectoryStore, _ publication: Publication) {
        self.store = store
        self.publication = publication
    }

    var byteCount: UInt64 { publication.byteCount }

    func append(_ bytes: UnsafeRawBufferPointer) throws(IOError) { try publication.append(bytes) }

    func complete() throws(IOError) { try publication.complete() }

    func finish(as name: StoreName, _ condition: PutCondition) throws(IOError) -> PutOutcome {
        let existing: Publication.Existing =
            switch condition {
            case .ifAbsent: .stays
            case .content: .staysIfEqual
            case .replacing: .givesWay
            }
        switch try publication.publish(as: store.path(of: name), existing) {
        case .named: return .written
        case .existed(let isEqual): return .existed(isEqual: isEqual)
        }
    }

    func abandon() { publication.abandon() }
}

/// A file that is open for reading. It can be read also after its name was removed.
final class DirectoryObject: ObjectReader {
    private let path: FilePath
    private let file: OpenFile
    private let fileSystem: any FileSystem

    init(_ path: FilePath, _ fileSystem: any FileSystem) throws(IOError) {
        self.path = path
        self.fileSystem = fileSystem
        file = try fileSystem.openForReading(path)
    }

    deinit { fileSystem.close(file) }

    func byteCount() throws(IOError) -> UInt64 { try fileSystem.byteCount(file, path) }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        try fileSystem.read(file, path, at: offset, into: target)
    }
}
