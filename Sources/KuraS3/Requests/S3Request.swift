internal import KuraCodec
internal import KuraFormat

/// A request to a bucket, before it is signed.
struct S3Request {
    /// What prices tell apart.
    enum Kind: String, Sendable { case get, head, put, post, list, delete, copy }

    /// What it does, as a verb for people.
    var operation: String
    var kind: Kind
    var method: String
    /// The key of an object; nil for the bucket.
    var key: String?
    /// What it is done to, for people.
    var place: String
    var query: [(name: String, value: String)] = []
    /// Names in lower case.
    var headers: [(name: String, value: String)] = []
    var body: [UnsafeRawBufferPointer] = []
    /// Of the body.
    var digest: Digest = S3Request.emptyDigest
    /// Whether it changes something, so that it matters whether it was done.
    var isChange = false
    /// Whether a good answer may hold an error: then its root has another name than this.
    var root: String?

    static let emptyDigest = ChunkHasher.digest([])

    /// A header with the digest, for servers that check it there.
    var checksum: (name: String, value: String) {
        ("x-amz-checksum-sha256", Base64.text(digest.bytes))
    }
}

/// What a server answered in the end.
struct S3Reply {
    var answer: HTTPAnswer
    /// Nil for a good answer.
    var error: ServerError?
    /// Whether an earlier try came to no answer, and may have been done.
    var wasUnclear: Bool
    /// The document of a good answer, where the request names its root.
    var document: XMLElement?

    /// With its quotes, as it came.
    var tag: String? { answer.headers["etag"].flatMap { $0.isEmpty ? nil : $0 } }
}
