/// The proxy that requests to a host go through, as environment variables name it.
public enum ProxyChoice {
    /// Nil where there is none.
    public static func proxy(
        for address: BucketAddress, environment: [String: String]
    ) -> String? {
        let host = address.endpoints[0].host
        if BucketAddress.isThisMachine(host) { return nil }
        let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        for exception in exceptions.split(separator: ",") {
            let name = exception.filter { $0 != " " }.lowercased()
            let suffix = name.hasPrefix(".") ? name : ".\(name)"
            if name == "*" || name == host || (!name.isEmpty && host.hasSuffix(suffix)) {
                return nil
            }
        }
        // A request that a web server answers can set HTTP_PROXY by a header, so only the lower
        // case counts, as everywhere.
        let names =
            address.isSecure
            ? ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
            : ["http_proxy", "all_proxy", "ALL_PROXY"]
        return names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
}
