package import KuraFormat
package import KuraReplicas

/// Names of the objects of one vault's log.
package struct LogNames: Sendable {
    package let vault: UniqueID
    private let root: StoreFolder

    package init(_ vault: UniqueID) {
        self.vault = vault
        root = Layout.vault(vault)
    }

    package var logs: StoreFolder { root.folder("log") }
    package var votes: StoreFolder { root.folder("vote") }
    package var segments: StoreFolder { root.folder("segment") }
    package var marks: StoreFolder { root.folder("whole") }
    var all: [StoreFolder] { [logs, votes, segments, marks] }
    /// Folders of checkpoints: made when the first is written.
    package var checkpoints: StoreFolder { root.folder("checkpoint") }
    package var pages: StoreFolder { root.folder("page") }
    package var hint: StoreName { root.object("hint") }

    package func log(_ number: UInt64) -> StoreName { logs.object(Self.digits(number)) }

    package func segment(of number: UInt64) -> StoreName {
        segments.object(Self.digits(Self.range(of: number).lowerBound))
    }

    package func vote(_ number: UInt64, _ ballot: UInt32) -> StoreName {
        votes.object("\(Self.digits(number)).\(Self.digits(UInt64(ballot), 3))")
    }

    package func claim(_ number: UInt64, _ ballot: UInt32) -> StoreName {
        votes.object("\(Self.digits(number)).\(Self.digits(UInt64(ballot), 3)).claim")
    }

    package func mark(_ replica: UniqueID, _ number: UInt64) -> StoreName {
        marks.object("\(replica.hex).\(Self.digits(number))")
    }

    package func root(of checkpoint: CheckpointBody) -> StoreName {
        checkpoints.object("\(Self.digits(checkpoint.number))-\(checkpoint.root.hex)")
    }

    package func page(_ name: Digest) -> StoreName { pages.object(name.hex) }

    // MARK: Numbers

    /// The numbers that are in one segment.
    package static func range(of number: UInt64) -> ClosedRange<UInt64> {
        let first = Segment.first(of: number)
        return first...(first + UInt64(Limits.segmentRecordsMax) - 1)
    }

    private static func digits(_ number: UInt64, _ count: Int = 20) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    /// The number of a name in `log/` or `segment/`, and of a vote, a blank or a claim; nil where
    /// the name belongs to none of them.
    static func number(of leaf: some StringProtocol) -> UInt64? {
        let digits = leaf.prefix { $0 != "." }
        guard digits.utf8.count == 20 else { return nil }
        return decimal(digits)
    }

    /// The replica and the number of a name in `whole/`.
    static func mark(of leaf: String) -> (replica: UniqueID, number: UInt64)? {
        let parts = leaf.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let replica = UniqueID(hex: String(parts[0])),
            parts[1].utf8.count == 20, let number = decimal(parts[1])
        else { return nil }
        return (replica, number)
    }

    private static func decimal(_ digits: some StringProtocol) -> UInt64? {
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt64(digits),
            (1...Limits.sequenceMax).contains(number)
        else { return nil }
        return number
    }
}
