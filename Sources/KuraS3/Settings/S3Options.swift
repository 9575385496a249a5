public import SystemPackage

/// How a bucket is used. What a user may want to change comes first.
public struct S3Options: Sendable {
    /// The URL of a proxy; nil for none.
    public var proxy: String?
    /// A file of certificates that are trusted in place of the system's.
    public var authorities: FilePath?
    /// Whether requests may leave this machine without TLS.
    public var allowsClearText = false
    /// Where long objects wait until their name is known: a directory with room for them. The files
    /// have no names, so nothing is left there.
    public var spool: FilePath = "/var/tmp"
    /// Most requests at a time. A server that asks for less gets less.
    public var connectionsMax = 16
    /// Longest time in which nearly nothing comes or goes before a request is tried again, in
    /// nanoseconds.
    public var stallLimit: Int64 = 60_000_000_000
    /// Longest time until a connection stands, in milliseconds.
    public var connectLimit = 10_000
    /// How often a request is made before it fails.
    public var attempts = 8

    /// Longest object that is sent in one request, in bytes.
    package var wholeMax = 128 << 20
    /// Length of the parts of longer ones, in bytes, and how many are sent at a time.
    package var partBytes = 16 << 20
    package var partsAtOnce = 4
    /// Names in a page of a listing.
    package var pageCount = 1000
    /// How long a lock lasts whose holder is no longer heard of, in nanoseconds.
    package var lease: Int64 = 900_000_000_000

    public init() {}
}
