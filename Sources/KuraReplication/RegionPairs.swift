/// Azure's pairs of regions, as data.
///
/// A region has at most one pair, and some arrows go one way: brazilsouth is copied to
/// southcentralus, whose own pair is northcentralus.
public enum RegionPairs {
    /// The region that Azure copies `name` to; nil for a name that Azure does not know.
    public static func pair(of name: String) -> String? { arrows[name] }

    /// Every region that is copied somewhere.
    public static var names: [String] { arrows.keys.sorted() }

    private static let both: [(String, String)] = [
        ("japaneast", "japanwest"), ("southeastasia", "eastasia"),
        ("koreacentral", "koreasouth"), ("australiaeast", "australiasoutheast"),
        ("australiacentral", "australiacentral2"), ("centralindia", "southindia"),
        ("jioindiawest", "jioindiacentral"), ("eastus", "westus"), ("eastus2", "centralus"),
        ("northcentralus", "southcentralus"), ("westus2", "westcentralus"),
        ("canadacentral", "canadaeast"), ("northeurope", "westeurope"), ("uksouth", "ukwest"),
        ("francecentral", "francesouth"), ("germanywestcentral", "germanynorth"),
        ("switzerlandnorth", "switzerlandwest"), ("norwayeast", "norwaywest"),
        ("swedencentral", "swedensouth"), ("southafricanorth", "southafricawest"),
        ("uaenorth", "uaecentral"), ("chinaeast", "chinanorth"), ("chinaeast2", "chinanorth2"),
        ("chinaeast3", "chinanorth3"), ("usgovvirginia", "usgovtexas"),
        ("taiwannorth", "taiwannorthwest"),
    ]

    private static let oneWay: [(String, String)] = [
        ("westindia", "southindia"), ("westus3", "eastus"), ("brazilsouth", "southcentralus"),
        ("brazilsoutheast", "brazilsouth"), ("usgovarizona", "usgovtexas"),
    ]

    private static let arrows = Dictionary(
        uniqueKeysWithValues: both + both.map { ($0.1, $0.0) } + oneWay)
}
