import ArgumentParser
import KuraFormat

/// A redundancy as it is written on the command line.
struct RedundancyName: ExpressibleByArgument {
    let value: Redundancy

    init?(argument: String) {
        guard let found = Redundancy.allCases.first(where: { $0.name == argument }) else {
            return nil
        }
        value = found
    }

    static var allValueStrings: [String] { Redundancy.allCases.map(\.name) }
}
