package import ArgumentParser

/// The root of the command line.
package struct KuraCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "kura",
        abstract: "Back up virtual-machine disks: deduplicated, compressed, in three copies.",
        usage: "kura [--home DIR] COMMAND ...",
        discussion: Help.flowing(
            """
            The home is --home, else KURA_HOME, else $XDG_DATA_HOME/kura, else
            ~/.local/share/kura. At that default place the first backup makes it; elsewhere kura
            init does.

            Kura does not use a replica directory of another user, or one that others may write to,
            unless KURA_ALLOW_FOREIGN_OWNER=1 is set. Root may use the directories of all users.

            Exit codes: 0 done, 1 failed, 3 done with warnings, 10 not found, 11 locked,
            12 damage found, 13 no space left, 64 usage, 130 interrupted.

            EXAMPLES
              kura backup disk.img
              kura list
              kura restore disk@latest --output restored.img
              kura verify --level chunks
            """),
        version: Version.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Daily work",
                subcommands: [
                    InitCommand.self, BackupCommand.self, ListCommand.self, ShowCommand.self,
                    RestoreCommand.self, ExportCommand.self, VerifyCommand.self,
                    ReplicateCommand.self, PruneCommand.self,
                ]),
            CommandGroup(
                name: "Looking closer",
                subcommands: [
                    StatsCommand.self, DiffCommand.self, RepairsCommand.self, DoctorCommand.self,
                    BenchCommand.self,
                ]),
            CommandGroup(
                name: "Managing",
                subcommands: [
                    VaultCommand.self, RegionCommand.self, InventoryCommand.self, VmCommand.self,
                    ItemCommand.self,
                    PolicyCommand.self, JobCommand.self, SchedulerCommand.self,
                    CatalogCommand.self, AuditCommand.self, DrillCommand.self,
                ]),
        ])

    package init() {}
}

enum Version {
    static let current = "0.1.0"
}
