internal import KuraFormat
internal import KuraIO
internal import SystemPackage

/// A copy of a pack, open for reading.
final class PackFile {
    let pack: PackID
    let path: FilePath
    let file: OpenFile
    let fileSystem: any FileSystem

    init(_ pack: PackID, _ path: FilePath, _ fileSystem: any FileSystem) throws(IOError) {
        self.pack = pack
        self.path = path
        self.fileSystem = fileSystem
        file = try fileSystem.openForReading(path)
    }

    deinit { fileSystem.close(file) }
}
