internal import KuraFormat

/// The names that users give to items and disks.
public enum Name {
    /// Throws unless `name` can name an item: NAME, or CLOUD-SERVICE/NAME, each part as `check` has
    /// it.
    public static func checkItem(_ name: String) throws(KuraError) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, name.utf8.count <= Limits.nameBytesMax else {
            return try checkPlainItem(name)
        }
        for part in parts {
            try check(String(part), what: "an item or a cloud service")
            try refuseAt(String(part))
        }
    }

    /// Throws unless `name` can name an item that is no virtual machine.
    public static func checkPlainItem(_ name: String) throws(KuraError) {
        try check(name, what: "an item")
        try refuseAt(name)
    }

    /// ITEM@latest names a recovery point.
    private static func refuseAt(_ name: String) throws(KuraError) {
        guard name.contains("@") else { return }
        throw KuraError(
            .invalidInput, "\"\(name.prefix(40))\" cannot name an item: it has an @",
            remedy: .chooseAnotherName)
    }

    /// Throws unless `name` can name an item or a disk: 1...255 bytes, no slash, no control
    /// character, not blanks alone, not "." or "..".
    public static func check(_ name: String, what: String) throws(KuraError) {
        let reason: String? =
            if name.isEmpty {
                "it is empty"
            } else if name.allSatisfy(\.isWhitespace) {
                "it has blanks only"
            } else if name.utf8.count > Limits.nameBytesMax {
                "it has \(name.utf8.count) bytes, \(Limits.nameBytesMax) at most are allowed"
            } else if name.contains("/") {
                "it has a slash"
            } else if name.unicodeScalars.contains(where: {
                $0.properties.generalCategory == .control
            }) {
                "it has a control character"
            } else if name == "." || name == ".." {
                "it is reserved"
            } else {
                nil
            }
        guard let reason else { return }
        let shown = String(
            name.unicodeScalars.prefix(40).map { scalar in
                scalar.properties.generalCategory == .control ? "?" : Character(scalar)
            })
        throw KuraError(
            .invalidInput, "\"\(shown)\" cannot name \(what): \(reason)",
            remedy: .chooseAnotherName)
    }
}
