public import KuraIO
public import KuraImages

/// How the file of a disk is to be read.
public struct DiskReading: Sendable {
    /// What it is; nil for what its bytes tell.
    public var format: DiskFormat?
    /// The images that it continues, the nearest first.
    public var bases: [FileSource] = []
    /// A state of the disk that is kept inside of its image; nil for the present one.
    public var snapshot: String?

    public init(_ format: DiskFormat? = nil) { self.format = format }
}

/// Where a disk of a recovery point came from, as the point says it: the path of a raw disk, or
/// the format of an image and its path: "qcow2:/vm/os.qcow2".
public struct DiskOrigin: Equatable, Sendable {
    public var format: DiskFormat
    public var place: String

    public init(_ format: DiskFormat, _ place: String) {
        (self.format, self.place) = (format, place)
    }

    /// Only an absolute path follows a format: anything else is the place of a raw disk.
    public init(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].hasPrefix("/"),
            let format = DiskFormat(rawValue: String(parts[0])), format != .raw
        {
            self.init(format, String(parts[1]))
        } else {
            self.init(.raw, text)
        }
    }

    var text: String { format == .raw ? place : "\(format.rawValue):\(place)" }
}
