/// A command did its work, and still ends with another exit code than 0.
struct EarlyExit: Error {
    var code: Int32

    static let done = EarlyExit(code: 0)
    /// Done, with warnings.
    static let warnings = EarlyExit(code: 3)
    /// Damage was found and not repaired.
    static let damage = EarlyExit(code: 12)
    static let failure = EarlyExit(code: 1)

    /// The one that a command ends with for which both hold.
    static func worse(_ left: EarlyExit?, _ right: EarlyExit?) -> EarlyExit? {
        guard let left, let right else { return left ?? right }
        return rank(left) >= rank(right) ? left : right
    }

    private static func rank(_ exit: EarlyExit) -> Int {
        switch exit.code {
        case damage.code: 2
        case warnings.code: 0
        default: 1
        }
    }
}
