internal import FoundationEssentials
internal import KuraFormat
public import KuraPolicy

/// Policies and items of a vault: what its journal says last of each.
public struct VaultSettings: Sendable {
    /// By name. DefaultPolicy is always among them.
    public package(set) var policies: [String: PolicyState]
    /// By the item's name.
    public package(set) var items: [String: ItemState]
    /// The rules that hold for this vault.
    public package(set) var limits: PolicyLimits
    /// Subjects whose last entry a newer Kura wrote, and this one cannot understand.
    private var unreadable: Set<String> = []
    /// The newest entry of each epoch.
    private var newest: [UInt64: (id: JournalID, sequence: UInt64)] = [:]

    static let policyPrefix = "policy/"
    static let itemPrefix = "item/"
    static let profileSubject = "profile"

    /// - Parameter entries: in the order of the journal.
    init(_ entries: [(id: JournalID, entry: JournalEntry)]) {
        policies = [:]
        items = [:]
        limits = .classic
        // An entry of an older epoch that came late says nothing any more.
        var epochs: [String: UInt64] = [:]
        for (id, entry) in entries {
            newest[entry.epoch] = (id, entry.sequence)
            guard entry.epoch >= epochs[entry.subject] ?? 0 else { continue }
            epochs[entry.subject] = entry.epoch
            apply(entry)
        }
        if policies[Policy.standardName] == nil, !hasUnreadablePolicy(Policy.standardName) {
            policies[Policy.standardName] = Self.implied
        }
    }

    /// The entry that the next one of an epoch follows; nil for the first.
    ///
    /// Never one of a later epoch: a command that began before a failover goes on in the old one,
    /// on a branch of its own.
    func head(of epoch: UInt64) -> (id: JournalID, sequence: UInt64)? {
        newest.filter { $0.key <= epoch }.max {
            ($0.value.sequence, $0.key) < ($1.value.sequence, $1.key)
        }?.value
    }

    /// Whether the vault failed over after this epoch, as far as its journal tells.
    func isOver(_ epoch: UInt64) -> Bool { newest.keys.contains { $0 > epoch } }

    /// DefaultPolicy of a vault whose journal does not say it: one that was made by an earlier
    /// Kura, or whose making was cut off.
    private static let implied = PolicyState(
        .standard, on: LocalDate(year: 1970, month: 1, day: 1))

    /// Gives a new vault its own DefaultPolicy.
    mutating func enterStandardPolicy(on date: LocalDate) {
        policies[Policy.standardName] = PolicyState(.standard, on: date)
    }

    private mutating func apply(_ entry: JournalEntry) {
        if let name = entry.subject.removingPrefix(Self.policyPrefix) {
            policies[name] = Self.policyState(entry.after)
            note(entry, isUnderstood: policies[name] != nil)
        } else if let name = entry.subject.removingPrefix(Self.itemPrefix) {
            items[name] = Self.itemState(entry.after)
            note(entry, isUnderstood: items[name] != nil)
        } else if entry.subject == Self.profileSubject {
            limits = PolicyLimits.all.first { $0.profile == entry.after } ?? .classic
        }
    }

    private mutating func note(_ entry: JournalEntry, isUnderstood: Bool) {
        if isUnderstood || entry.after.isEmpty {
            unreadable.remove(entry.subject)
        } else {
            unreadable.insert(entry.subject)
        }
    }

    private func hasUnreadablePolicy(_ name: String) -> Bool {
        unreadable.contains(Self.policyPrefix + name)
    }

    // MARK: Documents

    /// Every setting as canonical text, by its subject.
    var documents: [String: String] {
        var documents: [String: String] = [Self.profileSubject: limits.profile]
        for (name, state) in policies where state != Self.implied {
            documents[Self.policyPrefix + name] = Self.document(state)
        }
        for (name, state) in items { documents[Self.itemPrefix + name] = Self.document(state) }
        return documents
    }

    private struct PolicyEntry: Codable {
        var policy: String
        var since: [String: String]
    }

    private static func document(_ state: PolicyState) -> String {
        encode(
            PolicyEntry(
                policy: state.policy.document,
                since: Dictionary(
                    uniqueKeysWithValues: state.since.map { ($0.rawValue, $1.description) })))
    }

    private static func document(_ state: ItemState) -> String { encode(state) }

    private static func encode(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            preconditionFailure("texts and whole numbers are always JSON: \(error)")
        }
    }

    /// Nil for what is gone, and for what cannot be understood: a newer Kura wrote it.
    static func policyState(_ text: String) -> PolicyState? {
        guard !text.isEmpty else { return nil }
        do {
            let document = try JSONDecoder().decode(PolicyEntry.self, from: Data(text.utf8))
            var since: [Tier: LocalDate] = [:]
            for (tier, date) in document.since {
                guard let tier = Tier(rawValue: tier) else { continue }
                since[tier] = LocalDate(date)
            }
            return PolicyState(policy: try Policy.parse(Array(document.policy.utf8)), since: since)
        } catch {
            return nil
        }
    }

    private static func itemState(_ text: String) -> ItemState? {
        guard !text.isEmpty else { return nil }
        do {
            return try JSONDecoder().decode(ItemState.self, from: Data(text.utf8))
        } catch {
            return nil
        }
    }

    // MARK: What follows from them

    private static let tooNew = "its settings were written by a newer Kura"

    /// What an item's points are judged by. Items that no machine stands for have DefaultPolicy.
    func rule(for item: String) -> RetentionRule {
        guard !unreadable.contains(Self.itemPrefix + item) else { return .keepAll(Self.tooNew) }
        guard let state = items[item] else {
            return policies[Policy.standardName].map { .policy($0.policy) }
                ?? .keepAll(Self.tooNew)
        }
        switch state.status {
        case .stoppedRetaining: return .keepAll("protection is stopped, backup data is retained")
        case .softDeleted: return .keepAll("soft deleted, can be brought back")
        case .registered, .protected, .stoppedPerPolicy:
            guard let name = state.policy, let policy = policies[name] else {
                return .keepAll("its item has no policy")
            }
            return .policy(policy.policy)
        }
    }

    /// Since when each tier's rule is in force for an item: dates before it were not missed.
    ///
    /// Start dates later than the point are ignored: `tick --now` may run in the past.
    /// - Parameters:
    ///   - seen: when the scheduler saw the item first, in nanoseconds since 1970; nil when it did
    ///     not yet. A scheduler that did not run missed no date.
    ///   - instant: the point's time, likewise.
    package func since(
        _ item: ItemState, _ state: PolicyState, seen: Int64?, at instant: Int64
    ) -> [Tier: LocalDate] {
        let zone = state.policy.zone
        let date = zone.date(at: instant)
        let starts = [item.assigned, seen].compactMap { $0.map { zone.date(at: $0) } }
        return state.since.mapValues { start in
            (starts + [start]).filter { $0 <= date }.max() ?? date
        }
    }

    /// Names of the items that a policy is assigned to.
    public func items(with policy: String) -> [String] {
        items.filter { $0.value.policy == policy }.keys.sorted()
    }
}

extension String {
    func removingPrefix(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
