/// What a probe of a server found: kept with the region, and shown in words.
public struct ProbeReport: Equatable, Sendable, Codable {
    /// What a server is good for.
    public enum Use: String, Sendable, Codable {
        /// Several writers, on any machines.
        case shared
        /// One writer at a time, which has to be seen to.
        case oneWriter = "one-writer"
        /// Nothing: what is stored may not come back.
        case refused
    }

    public var use: Use
    public var abilities: ServerAbilities
    /// What stands in the way of more, in whole sentences.
    public var faults: [String]
    /// What else was seen, in whole sentences.
    public var remarks: [String]

    init(_ seen: ProbeEvidence) {
        var (unusable, single, remarks): ([String], [String], [String]) = ([], [], [])
        if !seen.givesBack { unusable.append("An object did not come back as it was written.") }
        if !seen.readsRanges { unusable.append("The server does not give parts of objects.") }
        if seen.staleReads > 0 {
            unusable.append(
                "Of \(seen.reads) objects, \(seen.staleReads) could not be read right after they "
                    + "were written.")
        }
        if seen.tornReads > 0 {
            unusable.append(
                "Of \(seen.overwriteReads) readers of an object that was replaced, "
                    + "\(seen.tornReads) got neither the old bytes nor the new ones.")
        }
        if seen.staleLists > 0 {
            single.append(
                "Of \(seen.lists) lists, \(seen.staleLists) did not have what was just written, or "
                    + "still had what was just deleted.")
        }
        single += Self.faults(ofRaces: seen)
        if seen.isChecked.isEmpty {
            remarks.append(
                "The server takes bytes that are not those of their SHA-256: only reading them "
                    + "again tells that they arrived.")
        }
        if !seen.isOrdered { remarks.append("Names are not listed in ascending order.") }
        remarks.append(
            "\(seen.writers) writers put one name over \(seen.endpoints) "
                + "\(seen.endpoints == 1 ? "endpoint" : "endpoints"), \(seen.winners.count) times.")
        use = !unusable.isEmpty ? .refused : single.isEmpty ? .shared : .oneWriter
        abilities = ServerAbilities(
            putsIfAbsent: seen.isExclusive, swaps: seen.countsRight ? seen.tagForm : nil,
            ordersListings: seen.isOrdered)
        faults = unusable + single
        self.remarks = remarks
    }

    private static func faults(ofRaces seen: ProbeEvidence) -> [String] {
        var faults: [String] = []
        switch seen.ifAbsent {
        case .unavailable:
            faults.append("The server does not know how to write only where nothing is.")
        case .ignored:
            faults.append(
                "The server replaces an object although it was asked to write only where nothing "
                    + "is: two writers would overwrite each other.")
        case .honoured where !seen.isExclusive:
            faults.append(
                "Of \(seen.writers) writers of one name, up to \(seen.winners.max() ?? 0) were "
                    + "told to be the first.")
        case .honoured: break
        }
        switch seen.ifTag {
        case .unavailable:
            faults.append("The server does not know how to replace only a known value.")
        case .ignored:
            faults.append(
                "The server replaces a value although it is not the one that was known: changes of "
                    + "other writers would be lost.")
        case .honoured where !seen.countsRight:
            faults.append(
                "Of \(seen.acknowledged) changes that were acknowledged, \(seen.counted) are "
                    + "there: changes are lost.")
        case .honoured: break
        }
        return faults
    }
}

/// What a probe saw, before it is judged.
struct ProbeEvidence {
    enum Condition { case honoured, ignored, unavailable }

    /// How a server can be asked to check bytes.
    enum Check { case checksum, payloadHash }

    var endpoints = 1
    var writers = 0
    var givesBack = true
    var readsRanges = true
    var reads = 0
    var staleReads = 0
    var lists = 0
    var staleLists = 0
    var isOrdered = true
    var ifAbsent = Condition.unavailable
    /// Of each round of the race, how many writers were told to be first.
    var winners: [Int] = []
    /// Whether the first one's bytes are there after each round.
    var keepsWinner = true
    var ifTag = Condition.unavailable
    var tagForm: ServerAbilities.TagForm?
    var acknowledged = 0
    var counted = 0
    var overwriteReads = 0
    var tornReads = 0
    var isChecked: [Check] = []

    var isExclusive: Bool {
        ifAbsent == .honoured && keepsWinner && winners.allSatisfy { $0 == 1 }
    }

    var countsRight: Bool { ifTag == .honoured && acknowledged == counted }
}
