import SystemPackage
import TestSupport
import Testing

@Suite(
    "Disks in images",
    .enabled("SKIP: there is no qemu-nbd or no qemu-img") { Programs.has("qemu-img", "qemu-nbd") })
struct ImageTests {
    private func make(_ kura: Kura, _ line: String) throws {
        let made = try kura.shell(line)
        #expect(made.code == 0, "\(line): \(made.error)")
    }

    private func path(_ kura: Kura, _ name: String) -> String {
        kura.directory.appending(name).string
    }

    @Test(
        "Of every format the disk is backed up that is in it, as the chunks of the raw disk",
        arguments: [
            ("qcow2", "qcow2", "qcow2"), ("qcow2 -c", "qcow2", "qcow2"),
            ("vpc -o subformat=fixed,force_size=on", "vpc", "vhd"),
            ("vpc -o force_size=on", "vpc", "vhd"), ("vhdx", "vhdx", "vhdx"), ("vdi", "vdi", "vdi"),
            ("vmdk", "vmdk", "vmdk"), ("vmdk -o subformat=streamOptimized", "vmdk", "vmdk"),
        ])
    func formats(_ options: String, _ driver: String, _ format: String) throws {
        try Kura.inDirectory { kura in
            let raw = try kura.disk("d.img", byteCount: 4 << 20)
            try make(
                kura,
                "qemu-img convert -f raw -O \(options) d.img d.\(format); "
                    + "qemu-img convert -f \(driver) -O raw d.\(format) back")
            #expect(try kura.run("backup", raw, "--item", "raw").code == 0)
            let image = path(kura, "d.\(format)")
            let outcome = try kura.run("backup", image, "--item", "image", "--json")
            #expect(outcome.code == 0, "\(outcome.error)")
            let report = try outcome.json()
            #expect(report["new_bytes"] as? Int == 0)
            let disk = try #require((report["disks"] as? [[String: Any]])?.first)
            #expect(disk["format"] as? String == format)
            #expect(disk["source"] as? String == image)
            let restored = path(kura, "restored")
            #expect(try kura.run("restore", "image@latest", "--output", restored).code == 0)
            #expect(try kura.bytes(restored) == kura.bytes(path(kura, "back")))
        }
    }

    @Test("An image on bases needs all of them by name; others of a chain are refused")
    func chain() throws {
        try Kura.inDirectory { kura in
            _ = try kura.disk("base.img")
            try make(
                kura,
                "qemu-img create -q -f qcow2 -b base.img -F raw top.qcow2; "
                    + "qemu-io -f qcow2 -c 'write -P 7 64k 1M' top.qcow2 >/dev/null; "
                    + "qemu-img convert -f qcow2 -O raw top.qcow2 back")
            let alone = try kura.shell("kura backup top.qcow2")
            #expect(alone.code == 1)
            #expect(alone.error.contains("needs its base base.img, which was not named"))
            #expect(alone.error.contains("--chain"))
            #expect(try kura.shell("kura backup top.qcow2 --chain base.img").code == 0)
            #expect(try kura.shell("kura restore top@latest --output out").code == 0)
            #expect(try kura.bytes(path(kura, "out")) == kura.bytes(path(kura, "back")))
        }
    }

    @Test("Each disk of an OVA is a disk of the point, and a snapshot is chosen by its name")
    func several() throws {
        try Kura.inDirectory { kura in
            let raw = try kura.disk("d.img", byteCount: 4 << 20)
            try make(
                kura,
                "qemu-img convert -f raw -O vmdk -o subformat=streamOptimized d.img a.vmdk; "
                    + "cp a.vmdk b.vmdk; echo '<xml/>' >vm.ovf; "
                    + "tar --format=ustar -cf vm.ova vm.ovf a.vmdk b.vmdk; "
                    + "qemu-img convert -f raw -O qcow2 d.img s.qcow2; "
                    + "qemu-img snapshot -c one s.qcow2; "
                    + "qemu-io -f qcow2 -c 'write -P 7 0 1M' s.qcow2 >/dev/null")
            #expect(try kura.shell("kura backup vm.ova").code == 0)
            let shown = try kura.run("show", "vm@latest", "--json").json()
            let names = (shown["disks"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
            #expect(names == ["a.vmdk", "b.vmdk"])
            #expect(try kura.shell("kura restore vm@latest --disk b.vmdk --output out").code == 0)
            #expect(try kura.bytes(path(kura, "out")) == kura.bytes(raw))
            #expect(try kura.shell("kura backup s.qcow2 --snapshot one").code == 0)
            #expect(try kura.shell("kura restore s@latest --output out2").code == 0)
            #expect(try kura.bytes(path(kura, "out2")) == kura.bytes(raw))
        }
    }

    @Test("An image that leads to other files gives nothing of them, and makes no point")
    func hostile() throws {
        try Kura.inDirectory { kura in
            try make(
                kura,
                "echo a secret of this host >secret; truncate -s 1M secret; "
                    + "qemu-img create -q -f qcow2 -b $PWD/secret -F raw base.qcow2; "
                    + "qemu-img create -q -f qcow2 -o data_file=$PWD/secret,data_file_raw=on "
                    + "data.qcow2 1M; "
                    + #"printf '# Disk DescriptorFile\ncreateType="monolithicFlat"\n"#
                    + #"RW 2048 FLAT "%s" 0\n' $PWD/secret >flat.vmdk"#)
            for (image, reason) in [
                ("base.qcow2", "needs its base"), ("data.qcow2", "keeps its data in another file"),
                ("flat.vmdk", "parts are in other files"),
            ] {
                let outcome = try kura.shell("kura backup \(image)")
                #expect(outcome.code == 1)
                #expect(outcome.error.contains(reason), "\(outcome.error)")
                let format = String(image.split(separator: ".")[1])
                #expect(try kura.shell("kura backup \(image) --format \(format)").code == 1)
            }
            let list = try kura.run("list", "--json").json()
            #expect((list["recovery_points"] as? [Any])?.isEmpty == true)
        }
    }

    @Test("A disk keeps its format: a header that a guest wrote warns, and a lost one is refused")
    func keepsFormat() throws {
        try Kura.inDirectory { kura in
            _ = try kura.disk("d.img", byteCount: 4 << 20)
            try make(kura, "qemu-img convert -f raw -O qcow2 d.img q; cp q new.img")
            #expect(try kura.shell("kura backup d.img").code == 0)
            // Another file of the same name: raw it was, raw it stays.
            let warned = try kura.shell("cp q d.img; kura backup d.img --allow-shrink")
            #expect(warned.code == 3)
            #expect(warned.error.contains("looks like a qcow2 image"))
            // Unless its user says what it is.
            #expect(try kura.shell("kura backup d.img --format qcow2").code == 0)
            #expect(try kura.shell("kura backup d.img").code == 0)
            let lost = try kura.shell(
                "truncate -s 0 d.img; truncate -s 4M d.img; kura backup d.img")
            #expect(lost.code == 1)
            #expect(lost.error.contains("does not look like an image"))
            #expect(try kura.shell("kura backup d.img --format raw").code == 0)
        }
    }

    @Test("Machines have disks in images, with their bases in vm.json; a restore makes them raw")
    func machine() throws {
        try Kura.inDirectory { kura in
            _ = try kura.disk("d.img", byteCount: 4 << 20)
            let description = #"""
                {"disks": [{"name": "os", "path": "top.qcow2", "lun": -1, "format": "qcow2",
                "chain": ["base.img"]}, {"name": "data", "path": "data.vhd", "lun": 0}]}
                """#
            let two = "inventory/local/web/two"
            try make(
                kura,
                """
                mkdir -p inventory/local/web/one \(two)
                qemu-img convert -f raw -O qcow2 d.img inventory/local/web/one/os.qcow2
                cp d.img \(two)/base.img
                (cd \(two); qemu-img create -q -f qcow2 -b base.img -F raw top.qcow2)
                vhd=subformat=fixed,force_size=on
                    qemu-img convert -f raw -O vpc -o $vhd d.img \(two)/data.vhd
                echo '\(description)' >\(two)/vm.json
                kura inventory set inventory && kura vm discover && kura vm register one two
                kura vm protect one two --policy DefaultPolicy
                kura vm backup one two
                kura vm restore one --output one && kura vm restore two --output two
                """)
            for file in ["one/os.img", "two/top.img", "two/data.img"] {
                #expect(
                    try kura.bytes(path(kura, file)) == kura.bytes(path(kura, "d.img")), "\(file)")
            }
        }
    }
}
