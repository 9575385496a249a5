import KuraIO
import KuraVault

/// Tells what the home knows of and that cannot be read, and ends the command with the exit code
/// for that: 12, or 3 where all of it can be read in another place.
/// - Parameters:
///   - vault: only what concerns this vault; nil for all.
///   - packs: whether packs count that are not there: for commands that speak of data.
///   - exit: how the command ends without that.
func finish(
    _ subscription: Subscription, vault: String? = nil, packs: Bool = false, json: Bool,
    exit: EarlyExit? = nil
) throws {
    var exit = exit
    for absence in try subscription.absences(of: vault, packs: packs) {
        exit = EarlyExit.worse(exit, tell(absence, json: json))
    }
    for place in try subscription.places() where place.isContested {
        Terminal.warn("vault \(place.name) has rival records: it can be read, not written")
        exit = EarlyExit.worse(exit, .warnings)
    }
    if let exit { throw exit }
}

func tell(_ absence: Absence, json: Bool) -> EarlyExit {
    guard absence.isElsewhere else {
        Terminal.error(absence.error, json: json)
        return .damage
    }
    Terminal.warn(Warning(absence.error))
    return .warnings
}
