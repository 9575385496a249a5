internal import FoundationEssentials
internal import KuraFormat
public import KuraPolicy
internal import KuraStore

/// Policies and items of a vault: what its journal says last of each.
public struct VaultSettings: Sendable {
    /// By name. DefaultPolicy is always among them.
    public internal(set) var policies: [String: PolicyState]
    /// By the item's name.
    public internal(set) var items: [String: ItemState]
    /// The rules that hold for this vault.
    public internal(set) var limits: PolicyLimits
    /// The newest entry; nil for an empty journal.
    var head: (id: JournalID, sequence: UInt64)?

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
            head = (id, entry.sequence)
            guard entry.epoch >= epochs[entry.subject] ?? 0 else { continue }
            epochs[entry.subject] = entry.epoch
            apply(entry)
        }
        if policies[Policy.standardName] == nil {
            policies[Policy.standardName] = PolicyState(
                .standard, on: LocalDate(year: 1970, month: 1, day: 1))
        }
    }

    private mutating func apply(_ entry: JournalEntry) {
        if let name = entry.subject.removingPrefix(Self.policyPrefix) {
            policies[name] = Self.policyState(entry.after)
        } else if let name = entry.subject.removingPrefix(Self.itemPrefix) {
            items[name] = Self.itemState(entry.after)
        } else if entry.subject == Self.profileSubject {
            limits = PolicyLimits.all.first { $0.profile == entry.after } ?? .classic
        }
    }

    // MARK: Documents

    /// Every setting as canonical text, by its subject.
    var documents: [String: String] {
        var documents: [String: String] = [Self.profileSubject: limits.profile]
        for (name, state) in policies { documents[Self.policyPrefix + name] = Self.document(state) }
        for (name, state) in items { documents[Self.itemPrefix + name] = Self.document(state) }
        return documents
    }

    private struct PolicyDocument: Codable {
        var policy: String
        var since: [String: String]
    }

    private static func document(_ state: PolicyState) -> String {
        encode(
            PolicyDocument(
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
    private static func policyState(_ text: String) -> PolicyState? {
        guard !text.isEmpty else { return nil }
        do {
            let document = try JSONDecoder().decode(PolicyDocument.self, from: Data(text.utf8))
            var since: [Tier: LocalDate] = [:]
            for (tier, date) in document.since {
                if let tier = Tier(rawValue: tier), let date = LocalDate(date) { since[tier] = date }
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

    /// What an item's points are judged by. Items that no machine stands for have DefaultPolicy.
    func rule(for item: String) -> RetentionRule {
        guard let state = items[item] else {
            return policies[Policy.standardName].map { .policy($0.policy) } ?? .policy(.standard)
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

    /// Since when each tier's rule is in force for an item.
    func since(_ item: ItemState, _ policy: PolicyState) -> [Tier: LocalDate] {
        guard let assigned = item.assigned else { return policy.since }
        let date = policy.policy.zone.date(at: assigned)
        return policy.since.mapValues { max($0, date) }
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
