/// One disk of an item that is to be read.
public struct SourceDisk: Sendable {
    /// Unique within the request.
    public var name: String
    public var source: any DiskSource
    /// Where it comes from, as the recovery point says it; nil for the source's name.
    public var origin: String?

    public init(name: String, source: any DiskSource, origin: String? = nil) {
        self.name = name
        self.source = source
        self.origin = origin
    }
}
