internal import KuraIO

/// A page of a listing of a bucket.
struct BucketPage {
    /// Keys of objects and, where a delimiter was named, of what they have in common up to it.
    var keys: [String]
    /// Where the next page goes on; nil for the last one.
    var next: String?
}

extension S3Client {
    /// Lists keys.
    /// - Parameters:
    ///   - prefix: what the keys begin with.
    ///   - groups: whether keys that go on behind another slash are listed as one, up to it.
    ///   - token: from the page before.
    func list(
        _ prefix: String, groups: Bool, after token: String?, place: String
    ) throws(IOError) -> BucketPage {
        var request = S3Request(operation: "list", kind: .list, method: "GET", place: place)
        request.query = [
            ("list-type", "2"), ("prefix", prefix), ("encoding-type", "url"),
            ("max-keys", "\(options.pageCount)"),
        ]
        if groups { request.query.append(("delimiter", "/")) }
        if let token { request.query.append(("continuation-token", token)) }
        request.root = "ListBucketResult"
        let reply = try succeed(request)
        guard let document = reply.document else { throw failure(request, reply) }
        let next = document.text("NextContinuationToken")
        // A server that gives the same page again and again must not hold anybody up.
        let isTruncated = document.text("IsTruncated") == "true"
        guard !isTruncated || (!next.isEmpty && next != token) else {
            throw failure(request, reply)
        }
        let isEncoded = document.text("EncodingType") == "url"
        var keys: [String] = []
        let found =
            document.all("Contents").map { $0.text("Key") }
            + document.all("CommonPrefixes").map { $0.text("Prefix") }
        for text in found {
            let key = isEncoded ? PercentCoding.decoded(text, plusIsSpace: true) : text
            guard let key, key.hasPrefix(prefix) else { throw failure(request, reply) }
            keys.append(key)
        }
        return BucketPage(keys: keys, next: isTruncated ? next : nil)
    }

    /// Whether the bucket is there.
    func hasBucket(place: String) throws(IOError) -> Bool {
        var request = S3Request(operation: "list", kind: .list, method: "GET", place: place)
        request.query = [("list-type", "2"), ("prefix", address.key("")), ("max-keys", "1")]
        request.root = "ListBucketResult"
        let reply = try send(request)
        if reply.error?.code == "NoSuchBucket" { return false }
        guard reply.error == nil else { throw failure(request, reply) }
        return true
    }
}
