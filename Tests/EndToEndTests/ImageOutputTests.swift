import SystemPackage
import TestSupport
import Testing

@Suite(
    "Restores into images",
    .enabled("SKIP: there is no qemu-img") { Programs.has("qemu-img", "qemu-nbd") })
struct ImageOutputTests {
    private func path(_ kura: Kura, _ name: String) -> String {
        kura.directory.appending(name).string
    }

    @Test(
        "Each format has the bytes of the disk, and nothing is left beside it",
        arguments: [
            ("vhd", "vpc"), ("vhd-dynamic", "vpc"), ("vhdx", "vhdx"), ("qcow2", "qcow2"),
            ("qcow2 --compress", "qcow2"), ("vmdk", "vmdk"), ("vdi", "vdi"), ("raw", "raw"),
        ])
    func formats(_ format: String, _ driver: String) throws {
        try Kura.inDirectory { kura in
            _ = try kura.disk("d.img", byteCount: 4 << 20)
            #expect(try kura.run("backup", path(kura, "d.img")).code == 0)
            let made = try kura.shell(
                """
                mkdir out
                kura restore d@latest --format \(format) --output out/image --json
                qemu-img compare -f \(driver) -F raw out/image d.img >&2 && ls -A out >&2
                """)
            #expect(made.code == 0, "\(made.error)")
            #expect(made.error.contains("Images are identical."))
            #expect(!made.error.contains("mismatch"))
            #expect(made.error.hasSuffix("\nimage\n"), "\(made.error)")
            let report = try made.json()
            let name = String(format.split(separator: " ")[0])
            #expect(report["format"] as? String == name)
            #expect(report["bytes_written"] as? Int == 4 << 20)
        }
    }

    @Test("All disks go into an OVA, which is backed up again as the same chunks")
    func archive() throws {
        try Kura.inDirectory { kura in
            let disks = [
                try kura.disk("os.img", byteCount: 4 << 20),
                try kura.disk("data.img", seed: 2, byteCount: 1 << 20),
            ]
            #expect(try kura.run(["backup"] + disks + ["--item", "web"]).code == 0)
            let made = try kura.shell("kura restore web@latest --format ova --output .")
            #expect(made.code == 0, "\(made.error)")
            let again = try kura.shell("kura backup web.ova --item again --json")
            #expect(again.code == 0, "\(again.error)")
            #expect(try again.json()["new_bytes"] as? Int == 0)
            // What is there stays unless it may go.
            #expect(try kura.shell("kura restore web@latest --format ova --output .").code == 1)
            #expect(
                try kura.shell("kura restore web@latest --format ova -o web.ova --force").code == 0)
        }
    }

    @Test("Several disks get names of the format; a stream takes a fixed VHD")
    func names() throws {
        try Kura.inDirectory { kura in
            let disks = [try kura.disk("os.img"), try kura.disk("data.raw", seed: 2)]
            #expect(try kura.run(["backup"] + disks + ["--item", "web"]).code == 0)
            let made = try kura.shell(
                """
                kura restore web@latest --format vhd --output all && ls all
                kura restore web@latest --format vhd --disk os.img --output - >streamed
                cmp -n 3145728 streamed all/os.vhd && stat -c %s streamed
                """)
            #expect(made.code == 0, "\(made.error)")
            #expect(made.output.hasSuffix("data.vhd\nos.vhd\n3146240\n"), "\(made.output)")
        }
    }

    @Test(
        "What does not go together is said before anything is written",
        arguments: [
            ("--format qcow2 --output -", 64, "takes raw and vhd"),
            ("--format nonsense --output x", 64, "--format takes raw, vhd"),
            ("--compress --output x", 64, "--compress goes with"),
            ("--format vhdx --skip-lost --output x", 64, "lost bytes are left out of raw and vhd"),
            ("--format vmdk --output nowhere/x", 1, "the directory for"),
            ("--format qcow2 --output d.img", 1, "exists already"),
        ])
    func refusals(_ options: String, _ code: Int32, _ reason: String) throws {
        try Kura.inDirectory { kura in
            #expect(try kura.run("backup", kura.disk("d.img")).code == 0)
            let outcome = try kura.shell("kura restore d@latest \(options)")
            #expect(outcome.code == code, "\(outcome.error)")
            #expect(outcome.error.contains(reason), "\(outcome.error)")
        }
    }

    @Test("Damage ends a restore into an image with its reason, and leaves no image")
    func damage() throws {
        try Kura.inDirectory { kura in
            #expect(try kura.run("backup", kura.disk("d.img")).code == 0)
            let outcome = try kura.shell(
                """
                for pack in $(find home/regions -path '*/packs/*' -type f); do
                    chmod u+w $pack
                    dd if=/dev/zero of=$pack bs=1k seek=20 count=40 conv=notrunc status=none
                done
                mkdir out; kura restore d@latest --format qcow2 --output out/x; code=$?
                ls -A out; exit $code
                """)
            #expect(outcome.code == 12, "\(outcome.error)")
            #expect(outcome.output == "")
        }
    }
}
