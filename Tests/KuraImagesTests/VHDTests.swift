import KuraIO
import KuraImages
import SystemPackage
import TestSupport
import Testing

/// VHDs by hand, from Microsoft's description of the format.
@Suite("VHD images") struct VHDTests {
    private static let disk = SyntheticDisk(seed: 4, byteCount: 1 << 20).bytes

    static func seal(_ bytes: inout [UInt8], at place: Int) {
        bytes.put(big: UInt32(0), at: place)
        bytes.put(big: ~bytes.reduce(UInt32(0)) { $0 + UInt32($1) }, at: place)
    }

    static func footer(
        _ byteCount: Int, kind: UInt32 = 2, header: UInt64 = .max, identity: UInt8 = 1,
        _ change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var bytes = [UInt8].zeros(512)
        bytes.put(Array("conectix".utf8) + [0, 0, 0, 2, 0, 1, 0, 0], at: 0)
        bytes.put(big: header, at: 16)
        bytes.put(big: UInt64(byteCount), at: 40)
        bytes.put(big: UInt64(byteCount), at: 48)
        bytes.put(big: kind, at: 60)
        bytes.put([UInt8](repeating: identity, count: 16), at: 68)
        change(&bytes)
        seal(&bytes, at: 64)
        return bytes
    }

    private func open(_ bytes: [UInt8], _ bases: [[UInt8]] = []) throws -> any DiskSource {
        try VHDImage.open(
            MemorySource(name: "d.vhd", bytes),
            bases: bases.map { MemorySource(name: "b.vhd", $0) })
    }

    /// Blocks of 64 KiB that have bytes, each behind the map of its sectors.
    /// - Parameter isHere: whether a sector is in this image.
    static func blocks(
        _ disk: [UInt8], kind: UInt32 = 3, identity: UInt8 = 1, base: UInt8 = 0,
        isHere: (_ sector: Int) -> Bool
    ) -> [UInt8] {
        let block = 64 << 10
        let count = (disk.count + block - 1) / block
        var header = [UInt8].zeros(1024)
        header.put(Array("cxsparse".utf8), at: 0)
        header.put(big: UInt64.max, at: 8)
        header.put(big: UInt64(1536), at: 16)
        header.put(big: UInt32(0x0001_0000), at: 24)
        header.put(big: UInt32(count), at: 28)
        header.put(big: UInt32(block), at: 32)
        header.put([UInt8](repeating: base, count: 16), at: 40)
        header.put(Array("b.vhd".utf8).flatMap { [0, $0] }, at: 64)
        seal(&header, at: 36)
        let footer = footer(disk.count, kind: kind, header: 512, identity: identity)
        var table = [UInt8](repeating: 0xff, count: (count * 4 + 511) / 512 * 512)
        var body: [UInt8] = []
        for number in 0..<count {
            let sectors = (0..<(block / 512)).filter { index in
                let sector = number * block / 512 + index
                return sector * 512 < disk.count && isHere(sector)
            }
            guard !sectors.isEmpty else { continue }
            table.put(big: UInt32((1536 + table.count + body.count) / 512), at: number * 4)
            var part = [UInt8].zeros(512 + block)
            for index in sectors {
                part[index / 8] |= 0x80 >> UInt8(index % 8)
                let start = number * block + index * 512
                part.put(Array(disk[start..<min(start + 512, disk.count)]), at: 512 + index * 512)
            }
            body += part
        }
        return footer + header + table + body + footer
    }

    // MARK: - Sound images

    @Test("of fixed size: all bytes but the footer, also a footer of an old program")
    func fixed() throws {
        for footer in [Self.footer(1 << 20), Array(Self.footer(1 << 20).dropLast())] {
            let source = try open(Self.disk + footer)
            #expect(source.knownByteCount == 1 << 20)
            #expect(try Images.contents(source) == Self.disk)
            var bytes = [UInt8](repeating: 0xee, count: 1000)
            #expect(
                try bytes.withUnsafeMutableBytes { try source.read(at: (1 << 20) - 10, into: $0) }
                    == 10)
            #expect(
                try bytes.withUnsafeMutableBytes { try source.read(at: 1 << 20, into: $0) } == 0)
            #expect(bytes[10...].allSatisfy { $0 == 0xee })
            #expect(try source.nextData(in: (1 << 20)..<(2 << 20)) == nil)
        }
    }

    @Test("what a guest writes at its start makes no other image of one of fixed size")
    func guestHeader() throws {
        var disk = Self.disk
        disk.put(Self.blocks(disk) { _ in true }.prefix(2048).map { $0 }, at: 0)
        #expect(try Images.contents(open(disk + Self.footer(1 << 20))) == disk)
    }

    @Test("with blocks: those that are there, and zeros elsewhere")
    func dynamic() throws {
        var disk = Self.disk + [UInt8](repeating: 7, count: 512)
        for index in (200 << 10)..<(400 << 10) { disk[index] = 0 }
        let image = Self.blocks(disk) { sector in
            disk[(sector * 512)..<min(sector * 512 + 512, disk.count)].contains { $0 != 0 }
        }
        let source = try open(image)
        #expect(try Images.contents(source, pieceBytes: 100_000) == disk)
        // Blocks 4 and 5 are wholly within the hole.
        #expect(try source.nextData(in: (256 << 10)..<(384 << 10)) == nil)
        try forAll(cases: 30) { _, random in
            let start = Int.random(in: 0...disk.count, using: &random)
            var bytes = [UInt8](repeating: 0xee, count: Int.random(in: 1...200_000, using: &random))
            let count = try bytes.withUnsafeMutableBytes {
                try source.read(at: UInt64(start), into: $0)
            }
            #expect(bytes[..<count].elementsEqual(disk[start...].prefix(bytes.count)))
        }
    }

    @Test("with differences: sectors of this image, and all others of its base, which is named")
    func differencing() throws {
        let changed = SyntheticDisk(seed: 9, byteCount: 1 << 20).bytes
        let isHere = { (sector: Int) in sector % 7 == 0 && sector > 300 }
        var wanted = Self.disk
        for sector in 0..<(wanted.count / 512) where isHere(sector) {
            wanted.put(Array(changed[(sector * 512)..<(sector * 512 + 512)]), at: sector * 512)
        }
        let image = Self.blocks(changed, kind: 4, identity: 2, base: 1, isHere: isHere)
        let base = Self.disk + Self.footer(1 << 20)
        #expect(try Images.contents(open(image, [base])) == wanted)
        let second = Self.blocks(changed, kind: 4, identity: 3, base: 2) { $0 < 100 }
        for sector in 0..<100 {
            wanted.put(Array(changed[(sector * 512)..<(sector * 512 + 512)]), at: sector * 512)
        }
        #expect(try Images.contents(open(second, [image, base]), pieceBytes: 70_000) == wanted)
        #expect(Images.refusal { _ = try open(image) } == .needsBase("b.vhd"))
        #expect(
            Images.refusal { _ = try open(second, [base]) }
                == .otherBase(named: "b.vhd", given: "b.vhd"))
        #expect(Images.refusal { _ = try open(image, [base, base]) } == .hasNoBase(given: "b.vhd"))
        #expect(Images.refusal { _ = try open(base, [base]) } == .hasNoBase(given: "b.vhd"))
    }

    // MARK: - Others

    @Test("that lie are refused, and the message says what does not fit")
    func lies() throws {
        func reason(_ bytes: [UInt8]) -> String? {
            guard case .malformed(let what) = Images.refusal({ _ = try open(bytes) }) else {
                return nil
            }
            return what
        }
        let fixed = Self.disk + Self.footer(1 << 20)
        #expect(
            reason(Array(fixed.dropLast(512)) + Self.footer(2 << 20))
                == "its footer says 2097152 bytes, and 1048576 are before it")
        #expect(
            reason(Array(fixed.dropLast(600)))
                == "its footer is not at its end: it was cut off, or written to")
        var wrong = fixed
        wrong[fixed.count - 100] ^= 1
        #expect(reason(wrong) == "the checksum of its footer is wrong")
        let image = Self.blocks(Self.disk) { _ in true }
        let footer = Array(image.suffix(512))
        #expect(reason(Array(image.dropLast(1200)) + footer) == "block 15 is beyond its end")
        var broken = image
        broken[600] ^= 1
        #expect(reason(broken) == "the checksum of its second header is wrong")
        for (offset, value, what) in [
            (32, UInt32(1000), "blocks of 1000 bytes"), (32, 0, "blocks of 0 bytes"),
            (32, 1 << 30, "blocks of 1073741824 bytes"),
            (28, 15, "a table that is too short for 1048576 bytes"),
            (16, .max, "a table that is too short for 1048576 bytes"),
        ] {
            var header = Array(image[512..<1536])
            header.put(big: value, at: offset)
            Self.seal(&header, at: 36)
            #expect(reason(image[..<512] + header + image[1536...]) == what)
        }
        #expect(reason([]) == "its footer is not at its end: it was cut off, or written to")
        #expect(
            Images.refusal { _ = try open(Self.disk + Self.footer(1 << 20, kind: 7)) }
                == .unsupported("type 7"))
    }

    @Test(
        "of qemu-img have the bytes that it converts to a raw disk",
        .enabled("SKIP: there is no qemu-img") { Images.has("qemu-img") },
        arguments: ["subformat=fixed", "subformat=dynamic", "subformat=dynamic,force_size=on"])
    func real(_ options: String) throws {
        try withTemporaryDirectory { directory in
            try SyntheticDisk(seed: 2, byteCount: 9 << 20)
                .write(to: directory.appending("disk"), sparse: true)
            try Images.run(
                "qemu-img convert -f raw -O vpc -o \(options) disk d.vhd; "
                    + "qemu-img convert -f vpc -O raw d.vhd back", in: directory)
            let image = try DiskImage.open(FileSource(directory.appending("d.vhd")), .vhd)
            #expect(
                try Images.contents(try #require(image.first).source)
                    == readFile(directory.appending("back")))
        }
    }
}
