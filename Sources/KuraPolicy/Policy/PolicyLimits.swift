/// The rules that differ between profiles, as data.
public struct PolicyLimits: Sendable, Equatable {
    /// The word in JSON and on the command line.
    public var profile: String
    public var dailyCount: ClosedRange<Int>
    public var weeklyCount: ClosedRange<Int>
    public var monthlyCount: ClosedRange<Int>
    public var yearlyCount: ClosedRange<Int>
    public var timesPerDay: ClosedRange<Int>
    public var policiesPerVault: Int
    public var machinesPerPolicy: Int
    public var machinesPerVault: Int
    public var pointsPerItem: Int
    public var vaultsPerSubscription: Int
    /// Days that a point of a backup on demand is kept where nothing else says so; nil for as long
    /// as the policy keeps those of its schedule.
    public var onDemandDays: Int?
    /// Days that deleted backup data can be brought back; 0 for not at all.
    public var softDeleteDays: Int
    /// Whether soft delete cannot be passed over.
    public var softDeleteIsAlwaysOn: Bool
    /// Whether protecting a machine registers it, too.
    public var protectRegisters: Bool
    /// Whether resource-manager machines can be registered.
    public var supportsResourceManager: Bool

    /// The rules of the tutorial of March 2016.
    public static let classic = PolicyLimits(
        profile: "classic", dailyCount: 1...9999, weeklyCount: 1...5163, monthlyCount: 1...1188,
        yearlyCount: 1...99, timesPerDay: 1...6, policiesPerVault: 200, machinesPerPolicy: 100,
        machinesPerVault: 200, pointsPerItem: 9999, vaultsPerSubscription: 500, onDemandDays: nil,
        softDeleteDays: 14, softDeleteIsAlwaysOn: false, protectRegisters: false,
        supportsResourceManager: false)

    /// What the service became later.
    public static let modern = PolicyLimits(
        profile: "modern", dailyCount: 7...9999, weeklyCount: 1...5163, monthlyCount: 1...1188,
        yearlyCount: 1...99, timesPerDay: 1...6, policiesPerVault: 200, machinesPerPolicy: 1000,
        machinesPerVault: 1000, pointsPerItem: 9999, vaultsPerSubscription: 500, onDemandDays: 30,
        softDeleteDays: 14, softDeleteIsAlwaysOn: true, protectRegisters: true,
        supportsResourceManager: true)

    public static let all = [classic, modern]

    func count(of tier: Tier) -> ClosedRange<Int> {
        switch tier {
        case .daily: dailyCount
        case .weekly: weeklyCount
        case .monthly: monthlyCount
        case .yearly: yearlyCount
        }
    }
}
