package import KuraIO

/// Where a server may listen.
package enum ListenRule {
    /// Throws where others than users of this machine could come, and would be neither protected
    /// nor asked who they are.
    package static func check(
        _ host: String, hasTLS: Bool, hasAccount: Bool
    ) throws(KuraError) {
        if isLoopback(host) { return }
        guard hasTLS else {
            throw KuraError(
                .refused, "\(host) can be reached from other machines, and there is no TLS",
                remedy: .advice("give a certificate and its key, or let one be made"))
        }
        guard hasAccount else {
            throw KuraError(
                .refused, "\(host) can be reached from other machines, and there is no account",
                remedy: .advice("make one first, on this machine"))
        }
    }

    package static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
