/// What a probe found that a server can do. It is written down with the region, and never guessed
/// from a name or a version.
public struct ServerAbilities: Equatable, Sendable, Codable {
    /// How a server wants a tag in a condition.
    public enum TagForm: String, Sendable, Codable { case quoted, bare }

    /// Of several writers that put one name if absent, exactly one is first.
    public var putsIfAbsent: Bool
    /// Of several writers that replace one value, exactly one is first; nil where that cannot be
    /// had.
    public var swaps: TagForm?
    /// Names are listed in ascending order.
    public var ordersListings: Bool

    public init(putsIfAbsent: Bool, swaps: TagForm?, ordersListings: Bool) {
        self.putsIfAbsent = putsIfAbsent
        self.swaps = swaps
        self.ordersListings = ordersListings
    }

    /// As S3 itself does.
    public static let standard = ServerAbilities(
        putsIfAbsent: true, swaps: .quoted, ordersListings: true)
}
