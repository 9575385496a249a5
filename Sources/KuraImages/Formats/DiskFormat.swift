/// What the file of a disk is: its bytes, or an image in a format that is read.
public enum DiskFormat: String, CaseIterable, Codable, Sendable {
    case raw, vhd, vhdx, qcow2, vmdk, vdi

    /// Nil for formats that are not read.
    public init?(_ format: ImageFormat) { self.init(rawValue: format.rawValue) }

    /// What its bytes must show; nil for raw ones, which may show anything.
    public var image: ImageFormat? { self == .raw ? nil : ImageFormat(rawValue: rawValue) }
}
