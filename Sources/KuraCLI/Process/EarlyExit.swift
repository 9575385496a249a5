/// A command did its work, and still ends with another exit code than 0.
struct EarlyExit: Error {
    var code: Int32

    /// Done, with warnings.
    static let warnings = EarlyExit(code: 3)
    /// Damage was found and not repaired.
    static let damage = EarlyExit(code: 12)
    static let failure = EarlyExit(code: 1)
}
