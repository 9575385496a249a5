public import KuraIO
internal import KuraStore
internal import KuraVault

/// A stretch of a disk that differs between two recovery points.
public struct DifferentRange: Equatable, Sendable {
    public var disk: String
    /// Bytes from the start of the disk.
    public var offset: UInt64
    public var byteCount: UInt64
}

extension Operations {
    /// Stretches in which disks of the same name differ, ascending by disk and offset. Exact to the
    /// chunk: a range may hold equal bytes beside the changed ones.
    /// - Parameters:
    ///   - older, newer: ids, their first digits, or ITEM@latest; both of one vault.
    ///   - vault: the only vault that is searched; nil for all.
    public func difference(
        from older: String, to newer: String, in vault: String? = nil
    ) throws(KuraError) -> [DifferentRange] {
        let left = try subscription.recoveryPoint(older, in: vault)
        let right = try subscription.recoveryPoint(newer, in: vault)
        guard left.vault.id == right.vault.id else {
            throw KuraError(
                .invalidInput, "the recovery points are in different vaults",
                remedy: .advice("choose two of one vault"))
        }
        return try left.vault.difference(left.point, right.point).map { range in
            DifferentRange(disk: range.disk, offset: range.offset, byteCount: range.byteCount)
        }
    }
}
