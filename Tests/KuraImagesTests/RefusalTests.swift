import KuraIO
import KuraImages
import TestSupport
import Testing

/// Headers that would lead a program to other files, or that cannot be read. All are written by
/// hand: no program has to be there to refuse them.
@Suite("Images that are refused") struct RefusalTests {
    private func facts(_ bytes: [UInt8], _ format: ImageFormat) throws -> ImageFacts {
        try ImageFacts(of: MemorySource(name: "image", bytes), format)
    }

    private func refusal(_ bytes: [UInt8], _ format: ImageFormat) -> ImageRefusal? {
        Images.refusal { _ = try facts(bytes, format) }
    }

    // MARK: - qcow2

    /// Version 3, clusters of 64 KiB, 1 GiB.
    private static func qcow2(
        extensions: [(UInt32, [UInt8])] = [], _ change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var bytes = [UInt8].zeros(1 << 17)
        bytes.put([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3], at: 0)
        bytes.put(big: UInt32(16), at: 20)
        bytes.put(big: UInt64(1 << 30), at: 24)
        bytes.put(big: UInt32(4), at: 96)
        bytes.put(big: UInt32(104), at: 100)
        var place = 104
        for (kind, data) in extensions {
            bytes.put(big: kind, at: place)
            bytes.put(big: UInt32(data.count), at: place + 4)
            bytes.put(data, at: place + 8)
            place += 8 + (data.count + 7) / 8 * 8
        }
        change(&bytes)
        return bytes
    }

    private static func withBase(_ name: String, format: String?) -> [UInt8] {
        let extensions = format.map { [(UInt32(0xe279_2aca), Array($0.utf8))] } ?? []
        return qcow2(extensions: extensions) {
            $0.put(Array(name.utf8), at: 1000)
            $0.put(big: UInt64(1000), at: 8)
            $0.put(big: UInt32(name.utf8.count), at: 16)
        }
    }

    @Test("a plain qcow2 says its size, its base and its snapshots")
    func plainQCOW2() throws {
        #expect(try facts(Self.qcow2(), .qcow2).byteCount == 1 << 30)
        let based = try facts(Self.withBase("/etc/shadow", format: "raw"), .qcow2)
        #expect(based.base?.name == "/etc/shadow")
        #expect(based.base?.format == .raw)
        #expect(try facts(Self.withBase("nbd://host", format: nil), .qcow2).base?.format == nil)
        let image = Self.qcow2 {
            $0.put(big: UInt32(1), at: 60)
            $0.put(big: UInt64(70000), at: 64)
            $0.put([0, 1, 0, 5], at: 70012)
            $0.put(Array("1daily".utf8), at: 70040)
        }
        #expect(try facts(image, .qcow2).snapshots == ["daily"])
    }

    @Test("a qcow2 that keeps its data elsewhere, or is encrypted, is refused by its header")
    func hostileQCOW2() {
        let external = Self.qcow2 { $0.put(big: UInt64(4), at: 72) }
        #expect(refusal(external, .qcow2) == .externalData("one that is not named"))
        // Also where the header does not say that it uses it.
        let named = Self.qcow2(extensions: [(0x4441_5441, Array("/etc/shadow".utf8))])
        #expect(refusal(named, .qcow2) == .externalData("/etc/shadow"))
        #expect(refusal(Self.qcow2 { $0.put(big: UInt32(2), at: 32) }, .qcow2) == .encrypted)
        #expect(refusal(Self.qcow2(extensions: [(0x0537_be77, [1])]), .qcow2) == .encrypted)
        #expect(
            refusal(Self.qcow2 { $0.put(big: UInt64(1) << 9, at: 72) }, .qcow2)
                == .unsupported("features 1000000000"))
        #expect(
            refusal(Self.withBase("x", format: "nbd"), .qcow2)
                == .unsupported("a base of format nbd"))
    }

    @Test("a qcow2 of which the header lies is refused")
    func malformedQCOW2() {
        let samples: [(String, [UInt8])] = [
            ("it ends early", Array(Self.qcow2().prefix(90))),
            ("clusters of 2^63 bytes", Self.qcow2 { $0.put(big: UInt32(63), at: 20) }),
            ("its header's length", Self.qcow2 { $0.put(big: UInt32.max, at: 100) }),
            (
                "a disk of 18446744073709551615 bytes",
                Self.qcow2 { $0.put(big: UInt64.max, at: 24) }
            ),
            ("70000 snapshots", Self.qcow2 { $0.put(big: UInt32(70000), at: 60) }),
            ("a program has marked it as damaged", Self.qcow2 { $0.put(big: UInt64(2), at: 72) }),
            (
                "it ends early",
                Self.qcow2 {
                    $0.put(big: UInt32(1), at: 60)
                    $0.put(big: UInt64.max - 3, at: 64)
                }
            ),
            (
                "the name of its base",
                Self.qcow2 {
                    $0.put(big: UInt64(1) << 40, at: 8)
                    $0.put(big: UInt32(5), at: 16)
                }
            ),
            (
                "a part of its header ends outside of it",
                Self.qcow2 {
                    $0.put(big: UInt32(9), at: 104)
                    $0.put(big: UInt32.max, at: 108)
                }
            ),
        ]
        for (what, bytes) in samples { #expect(refusal(bytes, .qcow2) == .malformed(what)) }
    }

    // MARK: - VMDK

    private static func vmdk(
        _ description: String, sectors: UInt64 = 2048, place: UInt64 = 1
    ) -> [UInt8] {
        var bytes = [UInt8].zeros(1 << 16)
        bytes.put(Array("KDMV".utf8) + [1, 0, 0, 0, 3, 0, 0, 0], at: 0)
        bytes.put(little: sectors, at: 12)
        bytes.put(little: UInt64(128), at: 20)
        bytes.put(little: place, at: 28)
        bytes.put(little: UInt64(20), at: 36)
        bytes.put(little: UInt32(512), at: 44)
        bytes.put(little: UInt64(40), at: 56)
        bytes.put(Array(description.utf8), at: 512)
        return bytes
    }

    private static func description(
        kind: String = "monolithicSparse", _ lines: String = #"RW 2048 SPARSE "disk.vmdk""#
    ) -> String {
        "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"\(kind)\"\n\n"
            + "# Extent description\n\(lines)\n"
    }

    @Test("a VMDK in one file says its size")
    func plainVMDK() throws {
        for kind in ["monolithicSparse", "streamOptimized"] {
            let image = Self.vmdk(Self.description(kind: kind))
            #expect(try facts(image, .vmdk).byteCount == 1 << 20)
        }
    }

    @Test("an image whose tables lead behind its end was cut off")
    func cut() {
        var vmdk = Self.vmdk(Self.description())
        vmdk.put(little: UInt32(50), at: 40 * 512)
        vmdk.put(little: UInt32(128), at: 50 * 512)
        #expect(refusal(vmdk, .vmdk) == .malformed("it ends early"))
        var vdi = Self.vdi(kind: 1)
        vdi.put(little: UInt32(2048), at: 0x158)
        vdi.put(little: UInt32(1024), at: 0x178)
        vdi.put(little: UInt32(3), at: 0x184)
        #expect(refusal(vdi, .vdi) == .malformed("it ends early"))
        vdi.put(little: UInt32(2), at: 0x184)
        #expect(throws: Never.self) { _ = try facts(vdi, .vdi) }
        // Clusters 0 to 2 are counted; the file has two.
        let qcow2 = Self.qcow2 {
            $0.put(big: UInt64(70 << 10) & ~511, at: 48)
            $0.put(big: UInt32(1), at: 56)
            $0.put(big: UInt32(9), at: 20)
            $0.put(big: UInt64(80 << 10), at: 70 << 10)
            $0.put([0, 1, 0, 1, 0, 1], at: 80 << 10)
        }
        #expect(throws: Never.self) { _ = try facts(qcow2, .qcow2) }
        #expect(refusal(Array(qcow2.prefix(82_000)), .qcow2) == .malformed("it ends early"))
    }

    @Test("a VMDK that names other files is refused, wherever it does so")
    func hostileVMDK() {
        let flat = #"RW 2048 FLAT "/etc/shadow" 0"#
        #expect(
            refusal(Array(Self.description(kind: "monolithicFlat", flat).utf8), .vmdk)
                == .otherFiles(["/etc/shadow"]))
        #expect(
            refusal(Self.vmdk(Self.description(#"RW 2048 SPARSE "../x""#)), .vmdk)
                == .otherFiles(["../x"]))
        #expect(
            refusal(Self.vmdk(Self.description(#"RW 2048 SPARSE "a"# + "\"\n" + flat)), .vmdk)
                == .otherFiles(["a", "/etc/shadow"]))
        #expect(
            refusal(Self.vmdk(Self.description(flat)), .vmdk) == .unsupported("monolithicSparse"))
        #expect(
            refusal(
                Self.vmdk(Self.description() + #"x parentFileNameHint="/etc/shadow""#), .vmdk)
                == .unsupported("it holds only what differs from /etc/shadow"))
        // Behind the description that the header tells of: programs look there all the same.
        let far =
            Self.description() + String(repeating: "#\n", count: 4000)
            + #"parentFileNameHint="/etc/shadow""#
        #expect(
            refusal(Self.vmdk(far), .vmdk)
                == .unsupported("it holds only what differs from /etc/shadow"))
        #expect(
            refusal(Self.vmdk(Self.description(), place: 40), .vmdk)
                == .malformed("its description is not where it must be"))
        #expect(
            refusal(Self.vmdk(Self.description(), sectors: 0), .vmdk)
                == .malformed("a disk of 0 sectors"))
        #expect(
            refusal(Self.vmdk(Self.description(kind: "twoGbMaxExtentSparse")), .vmdk)
                == .unsupported("twoGbMaxExtentSparse"))
        #expect(
            refusal(Self.vmdk(Self.description() + "encryption.keySafe = \"x\"\n"), .vmdk)
                == .encrypted)
        #expect(
            refusal(Array("COWD".utf8) + [1, 0, 0, 0] + [UInt8].zeros(600), .vmdk)
                == .unsupported("a part of a disk of ESX"))
    }

    // MARK: - VDI, VHDX, OVA

    private static func vdi(kind: UInt32, base: Bool = false) -> [UInt8] {
        var bytes = [UInt8].zeros(4096)
        bytes.put(little: UInt32(0xbeda_107f), at: 0x40)
        bytes.put(little: UInt32(0x0001_0001), at: 0x44)
        bytes.put(little: kind, at: 0x4c)
        bytes.put(little: UInt64(1 << 20), at: 0x170)
        if base { bytes[0x1a8] = 1 }
        return bytes
    }

    @Test("a VDI that goes with another one is refused")
    func vdi() throws {
        #expect(try facts(Self.vdi(kind: 1), .vdi).byteCount == 1 << 20)
        #expect(try facts(Self.vdi(kind: 2), .vdi).byteCount == 1 << 20)
        let other = ImageRefusal.unsupported("it holds only what differs from another image")
        #expect(refusal(Self.vdi(kind: 4), .vdi) == other)
        #expect(refusal(Self.vdi(kind: 1, base: true), .vdi) == other)
        #expect(refusal(Array(Self.vdi(kind: 1).prefix(300)), .vdi) == .malformed("it ends early"))
    }

    private static func vhdx(flags: UInt32, start: UInt64 = 1 << 20) -> [UInt8] {
        var bytes = [UInt8].zeros(2 << 20)
        bytes.put(Array("vhdxfile".utf8), at: 0)
        bytes.put(Array("regi".utf8) + [0, 0, 0, 0, 1, 0, 0, 0], at: 192 << 10)
        bytes.put(
            [
                6, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 5, 0xf, 0x88,
                0x6e,
            ],
            at: (192 << 10) + 16)
        bytes.put(little: start, at: (192 << 10) + 32)
        let table = 1 << 20
        bytes.put(Array("metadata".utf8) + [0, 0, 2, 0], at: table)
        let items: [([UInt8], [UInt8])] = [
            (
                [
                    0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d,
                    0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b,
                ], [0, 0, 0x10, 0, UInt8(flags), 0, 0, 0]
            ),
            (
                [
                    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48,
                    0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8,
                ], [0, 0, 0x20, 0, 0, 0, 0, 0]
            ),
        ]
        for (index, item) in items.enumerated() {
            bytes.put(item.0, at: table + 32 + index * 32)
            bytes.put(little: UInt32((64 << 10) + index * 8), at: table + 48 + index * 32)
            bytes.put(little: UInt32(8), at: table + 52 + index * 32)
            bytes.put(item.1, at: table + (64 << 10) + index * 8)
        }
        return bytes
    }

    @Test("a VHDX with a base, and one whose metadata is elsewhere, are refused")
    func vhdx() throws {
        #expect(try facts(Self.vhdx(flags: 0), .vhdx).byteCount == 2 << 20)
        #expect(
            refusal(Self.vhdx(flags: 2), .vhdx)
                == .unsupported("it holds only what differs from another image"))
        #expect(
            refusal(Self.vhdx(flags: 0, start: .max), .vhdx) == .malformed("it ends early"))
        #expect(
            refusal(Array(Self.vhdx(flags: 0).prefix(100_000)), .vhdx)
                == .malformed("it ends early"))
    }

    static func tar(_ members: [(name: String, bytes: [UInt8])], kind: String = "0") -> [UInt8] {
        var archive: [UInt8] = []
        for member in members {
            var header = [UInt8].zeros(512)
            header.put(Array(member.name.utf8), at: 0)
            let octal = String(member.bytes.count, radix: 8)
            let digits = String(repeating: "0", count: 11 - octal.count) + octal
            header.put(Array(digits.utf8), at: 124)
            header.put(Array(kind.utf8), at: 156)
            header.put(Array("ustar\u{0}00".utf8), at: 257)
            archive += header + member.bytes
            archive += [UInt8].zeros((512 - member.bytes.count % 512) % 512)
        }
        return archive + [UInt8].zeros(1024)
    }

    @Test("an OVA that ends early, has compressed disks, or none, is refused")
    func ova() throws {
        let description = (name: "vm.ovf", bytes: Array("<xml/>".utf8))
        let disk = [UInt8](repeating: 1, count: 700)
        _ = try facts(Self.tar([description, ("d.vmdk", disk)]), .ova)
        #expect(refusal(Self.tar([description]), .ova) == .malformed("it has no disks"))
        #expect(
            refusal(Self.tar([description, ("d.vmdk.gz", disk)]), .ova)
                == .unsupported("compressed d.vmdk.gz"))
        #expect(
            refusal(Array(Self.tar([description, ("d.vmdk", disk)]).prefix(1800)), .ova)
                == .malformed("it ends early"))
        #expect(
            refusal(Self.tar([description, ("d.vmdk", disk)], kind: "S"), .ova)
                == .unsupported("a member with holes"))
    }

    @Test("formats that are not read say so")
    func others() {
        for format in [ImageFormat.qcow, .qed] {
            #expect(refusal([UInt8].zeros(4096), format) == .unsupported("the format itself"))
        }
    }
}
