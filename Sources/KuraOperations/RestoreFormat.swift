internal import KuraFormat
public import KuraImages
internal import SystemPackage

/// What restored disks become.
public struct RestoreFormat: Sendable {
    public var output: OutputFormat
    /// Whether the bytes in a qcow2 are compressed.
    public var isCompressed: Bool

    public init(_ output: OutputFormat = .raw, isCompressed: Bool = false) {
        self.output = output
        self.isCompressed = isCompressed
    }

    /// The name of a disk's file in a directory, where the disk may have the name of an image.
    func fileName(of disk: DiskRecord) -> String {
        guard output != .raw else { return disk.name }
        let name = FilePath(disk.name)
        let isImage =
            name.extension.flatMap { ending in
                ending == "img" ? .raw : DiskFormat(rawValue: ending)
            } != nil
        let stem = isImage ? name.stem ?? disk.name : disk.name
        return "\(stem).\(output.fileEnding)"
    }
}
