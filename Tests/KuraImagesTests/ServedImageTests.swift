import Foundation
import Glibc
import KuraIO
import KuraImages
import SystemPackage
import TestSupport
import Testing

@Suite(
    "Images that a jailed qemu-nbd reads",
    .enabled("SKIP: there is no qemu-nbd or no qemu-img") { Images.hasQEMU })
struct ServedImageTests {
    private static let disk = SyntheticDisk(seed: 8, byteCount: 20 << 20)

    private func write(_ name: String, _ folder: FilePath) throws {
        try Self.disk.write(to: folder.appending(name), sparse: true)
    }

    private func open(
        _ name: String, _ format: ImageFormat, bases: [String] = [], snapshot: String? = nil,
        in folder: FilePath
    ) throws -> any DiskSource {
        var terms = ImageTerms()
        terms.snapshot = snapshot
        let images = try DiskImage.open(
            FileSource(folder.appending(name)), format,
            bases: bases.map { try FileSource(folder.appending($0)) }, terms: terms)
        return try #require(images.first).source
    }

    @Test(
        "have the bytes that qemu-img converts to a raw disk",
        arguments: [
            ("qcow2", .qcow2), ("qcow2 -c", .qcow2), ("qcow2 -o compat=0.10", .qcow2),
            ("qcow2 -o cluster_size=512", .qcow2),
            ("qcow2 -o extended_l2=on,cluster_size=64k", .qcow2),
            ("qcow2 -c -o compression_type=zstd", .qcow2), ("vhdx", .vhdx),
            ("vhdx -o subformat=fixed", .vhdx), ("vdi", .vdi), ("vdi -o static=on", .vdi),
            ("vmdk", .vmdk), ("vmdk -o subformat=streamOptimized", .vmdk),
        ] as [(String, ImageFormat)])
    func formats(_ options: String, _ format: ImageFormat) throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run(
                "qemu-img convert -f raw -O \(options) disk image; "
                    + "qemu-img convert -f \(format.rawValue) -O raw image back", in: folder)
            let back = try readFile(folder.appending("back"))
            let source = try open("image", format, in: folder)
            #expect(try Images.contents(source) == back)
            #expect(back.starts(with: Self.disk.bytes))
            #expect(try !source.hasChanged())
            try Images.run("touch image", in: folder)
            #expect(try source.hasChanged())
        }
    }

    @Test("tell of holes, so that these are not read")
    func holes() throws {
        try withTemporaryDirectory { folder in
            try Images.run("qemu-img create -q -f qcow2 image 10G", in: folder)
            let source = try open("image", .qcow2, in: folder)
            #expect(source.knownByteCount == 10 << 30)
            #expect(try source.nextData(in: 0..<(10 << 30)) == nil)
        }
    }

    @Test("are read by user nobody also where only their owner may, and when their file is gone")
    func permissions() throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run(
                "qemu-img convert -f raw -O qcow2 disk image; chmod 600 image", in: folder)
            let file = try FileSource(folder.appending("image"))
            let first = try #require(try DiskImage.open(file, .qcow2).first).source
            #expect(try Images.contents(first) == Self.disk.bytes)
            try Images.run("rm image", in: folder)
            let second = try #require(try DiskImage.open(file, .qcow2).first).source
            #expect(try Images.contents(second) == Self.disk.bytes)
        }
    }

    // MARK: - Chains and snapshots

    @Test("continue bases that are named, of any depth, and of no other name")
    func chain() throws {
        try withTemporaryDirectory { folder in
            try write("base.img", folder)
            try Images.run(
                "qemu-img create -q -f qcow2 -b base.img -F raw middle.qcow2; "
                    + "qemu-img create -q -f qcow2 -b middle.qcow2 -F qcow2 top.qcow2; "
                    + "qemu-io -f qcow2 -c 'write -P 7 1M 1M' middle.qcow2; "
                    + "qemu-io -f qcow2 -c 'write -P 8 1536k 64k' top.qcow2; "
                    + "qemu-img convert -f qcow2 -O raw top.qcow2 back; cp base.img other.img",
                in: folder)
            let chain = ["middle.qcow2", "base.img"]
            let source = try open("top.qcow2", .qcow2, bases: chain, in: folder)
            #expect(try Images.contents(source) == readFile(folder.appending("back")))
            func refusal(_ bases: [String]) -> ImageRefusal? {
                Images.refusal { _ = try open("top.qcow2", .qcow2, bases: bases, in: folder) }
            }
            #expect(refusal([]) == .needsBase("middle.qcow2"))
            #expect(refusal(["middle.qcow2"]) == .needsBase("base.img"))
            let other = folder.appending("other.img").string
            #expect(
                refusal(["middle.qcow2", "other.img"])
                    == .otherBase(named: "base.img", given: other))
            #expect(refusal(chain + ["other.img"]) == .hasNoBase(given: other))
        }
    }

    @Test("a raw base stays raw, whatever its guest wrote at its start")
    func guestHeader() throws {
        try withTemporaryDirectory { folder in
            try Images.run(
                "echo secret >secret.txt; truncate -s 1M secret.txt; "
                    + "qemu-img create -q -f qcow2 -b secret.txt -F raw base.img; "
                    + "truncate -s 1M base.img; "
                    + "qemu-img create -q -f qcow2 -b base.img -F raw top.qcow2", in: folder)
            let source = try open("top.qcow2", .qcow2, bases: ["base.img"], in: folder)
            #expect(try Images.contents(source) == readFile(folder.appending("base.img")))
        }
    }

    @Test("give a snapshot that is kept inside of them, by its name")
    func snapshot() throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run(
                "qemu-img convert -f raw -O qcow2 disk image; "
                    + "qemu-img snapshot -c 'one, two' image; "
                    + "qemu-io -f qcow2 -c 'write -P 7 0 5M' image", in: folder)
            let source = try open("image", .qcow2, snapshot: "one, two", in: folder)
            #expect(try Images.contents(source) == Self.disk.bytes)
            #expect(
                Images.refusal { _ = try open("image", .qcow2, snapshot: "one", in: folder) }
                    == .noSnapshot("one", known: ["one, two"]))
        }
    }

    @Test("and each disk in an OVA")
    func ova() throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run(
                "qemu-img convert -f raw -O vmdk -o subformat=streamOptimized disk one.vmdk; "
                    + "qemu-img create -q -f vmdk -o subformat=streamOptimized two.vmdk 1M; "
                    + "echo '<xml/>' >vm.ovf; "
                    + "tar --format=ustar -cf vm.ova vm.ovf one.vmdk two.vmdk",
                in: folder)
            let images = try DiskImage.open(FileSource(folder.appending("vm.ova")), .ova)
            #expect(images.map(\.member) == ["one.vmdk", "two.vmdk"])
            #expect(try Images.contents(images[0].source) == Self.disk.bytes)
            #expect(try Images.contents(images[1].source) == .zeros(1 << 20))
        }
    }

    // MARK: - Trouble

    @Test("that are damaged behind their header fail in words")
    func damaged() throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run(
                // The place of its first table is no boundary of clusters.
                "qemu-img convert -f raw -O qcow2 disk image; "
                    + "printf '\\377' | dd of=image bs=1 seek=47 conv=notrunc status=none",
                in: folder)
            let error = #expect(throws: KuraError.self) {
                _ = try open("image", .qcow2, in: folder)
            }
            let image = folder.appending("image").string
            #expect(
                error?.message.hasPrefix("\(image) cannot be read: ") == true,
                "\(error?.message ?? "")")
            #expect(error?.message.contains("json:") == false)
        }
    }

    @Test(
        "that were cut off are refused, and never read as zeros",
        arguments: [
            ("qcow2", .qcow2), ("vdi", .vdi), ("vmdk", .vmdk),
            ("vmdk -o subformat=streamOptimized", .vmdk), ("vhdx", .vhdx),
        ] as [(String, ImageFormat)])
    func cut(_ options: String, _ format: ImageFormat) throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run("qemu-img convert -f raw -O \(options) disk image", in: folder)
            let byteCount = try FileSource(folder.appending("image")).byteCount
            for rest in [byteCount - (6 << 20), byteCount / 2, 100_000, 1000] {
                try Images.run("head -c \(rest) image >cut", in: folder)
                #expect(throws: KuraError.self, "\(rest)") {
                    _ = try Images.contents(open("cut", format, in: folder))
                }
            }
        }
    }

    @Test("that a running machine writes to are refused")
    func inUse() throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run("qemu-img convert -f raw -O qcow2 disk image", in: folder)
            let path = folder.appending("image").string
            let lock = try lockByte(101, of: folder.appending("image"))
            let error = #expect(throws: KuraError.self) {
                _ = try open("image", .qcow2, in: folder)
            }
            try lock.close()
            #expect(error?.code == .refused)
            #expect(error?.message.hasPrefix("a running machine (QEMU) writes to \(path)") == true)
        }
    }

    @Test("leave no process and no file behind")
    func ends() throws {
        try withTemporaryDirectory { folder in
            try write("disk", folder)
            try Images.run("qemu-img convert -f raw -O qcow2 disk image", in: folder)
            let path = folder.appending("image").string
            let before = try Self.folders()
            var source: (any DiskSource)? = try open("image", .qcow2, in: folder)
            _ = try source?.firstBytes(10)
            #expect(!Self.holders(of: path).isEmpty)
            source = nil
            // Other tests make folders of this kind at the same time, which go soon.
            let deadline = Clock.steady() + 20_000_000_000
            while Clock.steady() < deadline {
                let left = try Self.folders().subtracting(before)
                if Self.holders(of: path).isEmpty, left.isEmpty { return }
                sched_yield()
            }
            #expect(Self.holders(of: path).isEmpty)
            #expect(try Self.folders().subtracting(before).isEmpty)
        }
    }

    /// Folders that Kura makes for a while.
    private static func folders() throws -> Set<String> {
        let names = try FileManager.default.contentsOfDirectory(atPath: "/tmp")
        return Set(names.filter { $0.hasPrefix("kura-") && !$0.hasPrefix("kura-test-") })
    }

    /// Other processes that have a file open.
    private static func holders(of path: String) -> [String] {
        var file = stat()
        guard stat(path, &file) == 0 else { return [] }
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.filter { process in
            guard let id = Int32(process), id != getpid() else { return false }
            let folder = "/proc/\(id)/fd"
            let open = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return open.contains { name in
                var other = stat()
                return stat("\(folder)/\(name)", &other) == 0 && other.st_ino == file.st_ino
                    && other.st_dev == file.st_dev
            }
        }
    }
}
