import Glibc
import KuraIO
import KuraMachines
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("Places of disks", .timeLimit(.minutes(2))) struct DiskPlacesTests {
    private func withMachine(
        disk: String, _ body: (Estate, FilePath) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let outside = directory.appending("outside")
            try LocalFileSystem().makeDirectory(outside)
            try estate.write(
                SyntheticDisk(seed: 7, byteCount: 20_000).bytes, to: outside.appending("disk.img"))
            let path = disk.split(separator: "OUTSIDE", omittingEmptySubsequences: false)
                .joined(separator: outside.string)
            try estate.machine(
                "web", "db-1",
                file: #"{"disks": [{"name": "os", "path": "\#(path)", "lun": -1}]}"#)
            _ = try estate.operations.discover()
            try estate.succeed(estate.operations.register(["db-1"]))
            try estate.succeed(estate.operations.protect(["db-1"], policy: "DefaultPolicy"))
            try body(estate, outside)
        }
    }

    private func expectRefused(_ estate: Estate, _ reason: String) {
        let outcome = estate.operations.backUp("db-1")
        #expect(outcome.error?.code == .refused, "\(String(describing: outcome.error))")
        #expect(
            outcome.error?.message.contains(reason) == true,
            "\(String(describing: outcome.error))")
    }

    private func allow(_ estate: Estate, _ paths: [FilePath]) throws {
        _ = try estate.subscription.setInventory(estate.inventory, allowing: paths)
    }

    @Test("A disk outside of the machine's folder is read only where the operator allowed it")
    func outside() throws {
        try withMachine(disk: "OUTSIDE/disk.img") { estate, outside in
            expectRefused(estate, "is outside of the machine's folder")
            try allow(estate, [outside.removingLastComponent().appending("outs")])
            expectRefused(estate, "is outside of the machine's folder")
            for place in [outside, outside.appending("disk.img")] {
                try allow(estate, [place])
                #expect(try estate.subscription.allowedDisks() == [place])
                try estate.succeed([estate.operations.backUp("db-1")])
            }
            // Naming the folder again leaves what is allowed.
            _ = try estate.subscription.setInventory(estate.inventory)
            try estate.succeed([estate.operations.backUp("db-1")])
            try allow(estate, [])
            expectRefused(estate, "is outside of the machine's folder")
        }
    }

    @Test("A link in the place of an image, or on the way to it, is not followed")
    func links() throws {
        try withMachine(disk: "disks/disk.img") { estate, outside in
            let folder = estate.folder("web", "db-1")
            #expect(symlink(outside.string, folder.appending("disks").string) == 0)
            expectRefused(estate, "symbolic link")
            unlink(folder.appending("disks").string)
            try LocalFileSystem().makeDirectory(folder.appending("disks"))
            let image = folder.pushing(FilePath("disks/disk.img"))
            #expect(symlink(outside.appending("disk.img").string, image.string) == 0)
            expectRefused(estate, "symbolic link")
            unlink(image.string)
            try LocalFileSystem().rename(outside.appending("disk.img"), to: image, replacing: false)
            try estate.succeed([estate.operations.backUp("db-1")])
        }
    }

    @Test("The folder of a machine is no link")
    func linkedFolder() throws {
        try withMachine(disk: "os.img") { estate, outside in
            let folder = estate.folder("web", "db-1")
            try LocalFileSystem().removeTree(outside)
            try LocalFileSystem().rename(folder, to: outside, replacing: false)
            #expect(symlink(outside.string, folder.string) == 0)
            expectRefused(estate, "symbolic link")
            let report = try estate.operations.discover()
            #expect(report.machines.isEmpty)
            #expect(report.problems.map(\.path) == [folder.string])
        }
    }

    @Test("An image with a second name is refused")
    func hardLink() throws {
        try withMachine(disk: "os.img") { estate, outside in
            let image = estate.folder("web", "db-1").appending("os.img")
            unlink(image.string)
            #expect(link(outside.appending("disk.img").string, image.string) == 0)
            expectRefused(estate, "hard links")
        }
    }

    @Test("What is no image neither hangs a backup nor is read", arguments: ["pipe", "directory"])
    func kinds(kind: String) throws {
        try withMachine(disk: "os.img") { estate, _ in
            let image = estate.folder("web", "db-1").appending("os.img")
            unlink(image.string)
            if kind == "pipe" {
                #expect(mkfifo(image.string, 0o600) == 0)
            } else {
                try LocalFileSystem().makeDirectory(image)
            }
            expectRefused(estate, "neither a file nor a block device")
        }
    }

    @Test(
        "A vm.json that is a pipe or a link hides its machine alone", arguments: ["pipe", "link"])
    func description(kind: String) throws {
        try withMachine(disk: "os.img") { estate, _ in
            try estate.machine("web", "web-1")
            let file = estate.folder("web", "db-1").appending("vm.json")
            unlink(file.string)
            if kind == "pipe" {
                #expect(mkfifo(file.string, 0o600) == 0)
            } else {
                #expect(symlink("nowhere", file.string) == 0)
            }
            let report = try estate.operations.discover()
            #expect(report.machines.map(\.name) == ["web-1"])
            #expect(report.problems.count == 1)
            #expect(estate.operations.backUp("db-1").error != nil)
        }
    }

    @Test(
        "An image of another user than the folder's is refused",
        .enabled(if: geteuid() == 0, "only root can give files to another user"))
    func owner() throws {
        try withMachine(disk: "os.img") { estate, _ in
            let folder = estate.folder("web", "db-1")
            chown(folder.appending("os.img").string, 65533, 65533)
            expectRefused(estate, "belongs to user 65533")
            chown(folder.string, 65533, 65533)
            try estate.succeed([estate.operations.backUp("db-1")])
        }
    }
}
