import Foundation
import KuraIO
import KuraImages
import SystemPackage
import TestSupport
import Testing

/// Headers are written out by hand from the published descriptions of the formats.
@Suite("Formats of images") struct ImageFormatTests {
    struct Sample: CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var format: ImageFormat?

        init(_ name: String, _ bytes: [UInt8], _ format: ImageFormat?) {
            (testDescription, self.bytes, self.format) = (name, bytes, format)
        }
    }

    /// Bytes that begin with some of their own.
    private static func file(
        _ start: [UInt8], at offset: Int = 0, byteCount: Int = 4096
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        bytes.replaceSubrange(offset..<(offset + start.count), with: start)
        return bytes
    }

    /// Cookie, features (2 is always set), version 1.0, offset of the next structure (none).
    private static let footer: [UInt8] =
        Array("conectix".utf8) + [0, 0, 0, 2, 0, 1, 0, 0] + [UInt8](repeating: 0xff, count: 8)

    static let samples = [
        Sample("qcow2, version 2", file([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 2]), .qcow2),
        Sample("qcow2, version 3", file([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]), .qcow2),
        Sample("qcow, version 1", file([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 1]), .qcow),
        Sample("qed, clusters of 64 KiB", file(Array("QED\0".utf8) + [0, 0, 1, 0]), .qed),
        Sample("vhdx, its creator in UTF-16", file(Array("vhdxfile".utf8) + [0x4d, 0]), .vhdx),
        Sample("vhd of fixed size", file(footer, at: 4096 - 512), .vhd),
        Sample(
            "vhd of fixed size, by an old program", file(footer, at: 4095 - 511, byteCount: 4095),
            .vhd),
        Sample("dynamic vhd, without its end", file(footer), .vhd),
        Sample("sparse vmdk", file(Array("KDMV".utf8) + [1, 0, 0, 0, 3, 0, 0, 0]), .vmdk),
        Sample("vmdk for streams", file(Array("KDMV".utf8) + [3, 0, 0, 0]), .vmdk),
        Sample("vmdk of ESX", file(Array("COWD".utf8) + [1, 0, 0, 0, 3, 0, 0, 0]), .vmdk),
        Sample("description of a vmdk", Array("# Disk DescriptorFile\nversion=1\n".utf8), .vmdk),
        Sample(
            "vdi",
            file(
                Array("<<< Oracle VM VirtualBox Disk Image >>>\n".utf8)
                    + [UInt8](repeating: 0, count: 24) + [0x7f, 0x10, 0xda, 0xbe, 1, 0, 1, 0]), .vdi
        ),
        Sample("gzip", file([0x1f, 0x8b, 8, 0]), .gzip),
        Sample("xz", file([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), .xz),
        Sample("zstd", file([0x28, 0xb5, 0x2f, 0xfd]), .zstd),
        Sample("lz4", file([0x04, 0x22, 0x4d, 0x18]), .lz4),
        Sample("bzip2", file(Array("BZh91AY&SY".utf8)), .bzip2),
        Sample("nothing", [], nil),
        Sample("zeros", file([]), nil),
        Sample("a boot sector", file([0xeb, 0x63, 0x90]) + [0x55, 0xaa], nil),
        Sample(
            "a qcow2 of a version that there is not", file([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 9]),
            nil),
        Sample("a qcow2 that is cut off", [0x51, 0x46, 0x49, 0xfb, 0, 0, 0], nil),
        Sample("a name in a text", file(Array("KDMV is a mark".utf8)), nil),
        Sample("a mark in the middle", file([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3], at: 512), nil),
        Sample("a footer that is not at the end", file(footer, at: 2048), nil),
        Sample("a footer of another version", file(Array("conectix".utf8), at: 4096 - 512), nil),
        Sample("a synthetic disk", SyntheticDisk(seed: 1, byteCount: 100_000).bytes, nil),
    ]

    @Test("is told by its marks", arguments: samples)
    func marks(_ sample: Sample) throws {
        #expect(try MemorySource(name: "m", sample.bytes).imageFormat() == sample.format)
    }

    @Test("is told of a stream by its first bytes, which are read again", arguments: samples)
    func stream(_ sample: Sample) throws {
        let ends = try FileDescriptor.pipe()
        let writer = SerialWorker()
        writer.submit {
            do {
                // One byte first: what is there is not all that comes.
                for part in [sample.bytes.prefix(1), sample.bytes.dropFirst(1)] {
                    _ = try ends.writeEnd.writeAll(part)
                }
                try ends.writeEnd.close()
            } catch {
                Issue.record(error)
            }
        }
        let source = StreamSource(descriptor: ends.readEnd.rawValue, name: "stream")
        let isOnlyAtEnd =
            sample.bytes.suffix(512).starts(with: "conectix".utf8)
            || sample.bytes.suffix(511).starts(with: "conectix".utf8)
        #expect(try source.imageFormat() == (isOnlyAtEnd ? nil : sample.format))
        var found = [UInt8](repeating: 1, count: sample.bytes.count + 10)
        let counts = try found.withUnsafeMutableBytes { target in
            let first = try source.read(
                at: 0,
                into: UnsafeMutableRawBufferPointer(rebasing: target[..<min(100, target.count)]))
            return first
                + (try source.read(
                    at: UInt64(first),
                    into: UnsafeMutableRawBufferPointer(rebasing: target[first...])))
        }
        writer.stop()
        try ends.readEnd.close()
        #expect(Array(found[..<counts]) == sample.bytes)
    }

    // MARK: - Real images

    private static func has(_ program: String) -> Bool {
        ["/usr/bin", "/bin", "/usr/local/bin"].contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    private func run(_ line: String, in directory: FilePath) throws {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-ec", line]
        process.currentDirectoryURL = URL(fileURLWithPath: directory.string)
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(line)")
    }

    @Test(
        "is told of images that qemu-img makes",
        .enabled("SKIP: there is no qemu-img") { has("qemu-img") },
        arguments: [
            ("qcow2", .qcow2), ("qcow2 -o compat=0.10", .qcow2), ("qcow", .qcow), ("qed", .qed),
            ("vpc", .vhd), ("vpc -o subformat=fixed", .vhd), ("vhdx", .vhdx), ("vdi", .vdi),
            ("vdi -o static=on", .vdi), ("vmdk", .vmdk),
            ("vmdk -o subformat=monolithicFlat", .vmdk),
            ("vmdk -o subformat=twoGbMaxExtentSparse", .vmdk),
            ("vmdk -o subformat=streamOptimized", .vmdk), ("raw", nil),
        ] as [(String, ImageFormat?)])
    func realImages(_ options: String, _ format: ImageFormat?) throws {
        try withTemporaryDirectory { directory in
            let disk = SyntheticDisk(seed: 2, byteCount: 1 << 20)
            try disk.write(to: directory.appending("disk"), sparse: false)
            try run("qemu-img convert -f raw -O \(options) disk image", in: directory)
            #expect(try FileSource(directory.appending("image")).imageFormat() == format)
        }
    }

    @Test(
        "is told of files that the usual programs compress",
        arguments: [
            ("gzip", .gzip), ("xz", .xz), ("zstd", .zstd), ("bzip2", .bzip2), ("lz4", .lz4),
        ] as [(String, ImageFormat)])
    func realCompression(_ program: String, _ format: ImageFormat) throws {
        guard Self.has(program) else { return }
        try withTemporaryDirectory { directory in
            try SyntheticDisk(seed: 2, byteCount: 100_000)
                .write(to: directory.appending("disk"), sparse: false)
            try run("\(program) -c disk >compressed", in: directory)
            #expect(try FileSource(directory.appending("compressed")).imageFormat() == format)
        }
    }
}
