public import KuraIO

/// How the disk in an image is to be read.
public struct ImageTerms: Sendable {
    /// A state of the disk that is kept inside the image; nil for the present one.
    public var snapshot: String?
    /// How many threads may read at once.
    public var connections = 3
    public var cancellation = Cancellation()

    public init() {}
}
