internal import Glibc

/// A user of this machine, as files see one.
public struct FileUser: Sendable, Equatable {
    public let name: String
    public let id: UInt32
    /// The first group.
    public let group: UInt32
    public let groups: [UInt32]

    /// - Parameter name: a name, or a number that the machine knows a name for.
    /// - Throws: `notFound`.
    public init(named name: String) throws(KuraError) {
        guard
            let found = Self.entry({ getpwnam_r(name, $0, $1, $2, $3) })
                ?? UInt32(name).flatMap({ FileUser(id: $0) })
        else {
            throw KuraError(
                .notFound, "there is no user \(name) on this machine",
                remedy: .advice("name a user that: getent passwd knows"))
        }
        self = found
    }

    /// - Returns: nil where the machine has no entry for the number.
    public init?(id: UInt32) {
        guard let found = Self.entry({ getpwuid_r(id, $0, $1, $2, $3) }) else { return nil }
        self = found
    }

    private init(name: String, id: UInt32, group: UInt32, groups: [UInt32]) {
        self.name = name
        self.id = id
        self.group = group
        self.groups = groups
    }

    private typealias Look = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static let groupsMax = 1024

    private static func entry(_ look: Look) -> FileUser? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var text = [CChar](repeating: 0, count: 16 << 10)
        return text.withUnsafeMutableBufferPointer { text in
            guard look(&entry, text.baseAddress!, text.count, &found) == 0, found != nil else {
                return nil
            }
            var count = Int32(groupsMax)
            var groups = [gid_t](repeating: 0, count: groupsMax)
            guard getgrouplist(entry.pw_name, entry.pw_gid, &groups, &count) >= 0 else {
                return nil
            }
            return FileUser(
                name: String(cString: entry.pw_name), id: entry.pw_uid, group: entry.pw_gid,
                groups: Array(groups.prefix(Int(count))))
        }
    }
}
