import KuraIO
import KuraVault

/// Tells about vaults that are read from elsewhere, or cannot be read, because a region is gone.
func warnAboutRegions(_ subscription: Subscription) throws {
    for place in try subscription.places() {
        if let notice = place.notice { Terminal.warn(notice) }
        if place.isContested {
            Terminal.warn("vault \(place.name) has rival records: it can be read, not written")
        }
    }
    for error in try subscription.unreadableVaults() {
        Terminal.warn(error.message)
        if let remedy = error.remedy?.text {
            Terminal.writeError("  help: \(Terminal.printable(remedy))\n")
        }
    }
}
