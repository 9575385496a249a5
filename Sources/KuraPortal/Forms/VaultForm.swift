internal import KuraPolicy

/// Quick create: a vault that a user asks for.
package struct VaultForm: Sendable {
    package var name = ""
    package var region = ""
    /// Empty for the default of the region.
    package var redundancy = ""
    package var profile = "classic"
    /// What is wrong with the name; nil where nothing is known to be.
    package var nameProblem: String?

    package init() {}

    package init(_ values: FormValues) {
        name = values["name"] ?? ""
        region = values["region"] ?? ""
        redundancy = values["redundancy"] ?? ""
        profile = values["profile"] ?? "classic"
        nameProblem = NameRule.vault.violation(of: name)
    }

    var command: CommandLine {
        var words = ["vault", "create", name.isEmpty ? "NAME" : name]
        if !region.isEmpty { words += ["--region", region] }
        if !redundancy.isEmpty { words += ["--redundancy", redundancy] }
        if profile != "classic" { words += ["--profile", profile] }
        return CommandLine(words)
    }
}

/// A restore that a user asks for.
package struct RestoreForm: Sendable {
    /// An id; empty for the newest point.
    package var point = ""
    /// The name of a restore target.
    package var target = ""
    package var newName = ""
    /// Names of the disks that are restored; empty for all.
    package var disks: [String] = []

    package init() {}

    package init(_ values: FormValues) {
        point = values["point"] ?? ""
        target = values["target"] ?? ""
        newName = values["new-name"] ?? ""
        disks = values.all("disk")
    }
}
