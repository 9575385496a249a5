import ArgumentParser

/// With whose rights restored files are written.
struct RightsOptions: ParsableArguments {
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Write with the rights of this user, as root must in another user's directory.",
            valueName: "user"))
    var user: String?
}
