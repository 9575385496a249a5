import KuraIO
import KuraImages
import SystemPackage
import TestSupport
import Testing

@Suite("Images that are written") struct WritingTests {
    private func read(_ path: FilePath) throws -> any DiskSource { try FileSource(path) }

    private func newFile(_ path: FilePath, byteCount: UInt64 = 0) throws -> NewFileSink {
        try #require(try SinkPath(path).open(byteCount: byteCount) as? NewFileSink)
    }

    private func writeVHD(_ bytes: [UInt8], to path: FilePath) throws {
        let count = UInt64(bytes.count)
        let sink = FixedVHDSink(
            try newFile(path, byteCount: FixedVHDSink.fileByteCount(for: count)),
            byteCount: count, created: 1_800_000_000_000_000_000)
        try bytes.withUnsafeBytes { try sink.write(at: 0, $0) }
        try sink.finish()
    }

    // MARK: VHDs of fixed size

    @Test(
        "a fixed VHD has the bytes of the disk, zeros up to a whole MiB, and a footer",
        arguments: [1, 512, 1 << 20, (1 << 20) + 1, 3_000_000])
    func fixedVHD(byteCount: Int) throws {
        try withTemporaryDirectory { directory in
            let bytes = SyntheticDisk(seed: 5, byteCount: byteCount).bytes
            let path = directory.appending("d.vhd")
            try writeVHD(bytes, to: path)
            let whole = (byteCount + (1 << 20) - 1) / (1 << 20) * (1 << 20)
            #expect(try FileSource(path).byteCount == UInt64(whole + 512))
            let disk = try VHDImage.open(try FileSource(path))
            #expect(disk.knownByteCount == UInt64(whole))
            let found = try Images.contents(disk)
            #expect(found[..<byteCount].elementsEqual(bytes))
            #expect(found[byteCount...].allSatisfy { $0 == 0 })
        }
    }

    @Test("a stream takes a fixed VHD, too, with all of its zeros")
    func streamedVHD() throws {
        let file = MemorySink(
            byteCount: FixedVHDSink.fileByteCount(for: 5000), access: .sequential)
        let sink = FixedVHDSink(file, byteCount: 5000, created: 0)
        try [UInt8](repeating: 7, count: 5000).withUnsafeBytes { try sink.write(at: 0, $0) }
        try sink.finish()
        #expect(file.bytes.count == (1 << 20) + 512)
        #expect(file.bytes[5000..<(1 << 20)].allSatisfy { $0 == 0 })
        #expect(file.bytes[(1 << 20)...].starts(with: "conectix".utf8))
    }

    @Test(
        "QEMU reads a fixed VHD as the same disk, of any size",
        .enabled("SKIP: there is no qemu-img") { Images.has("qemu-img") },
        arguments: [1, 17, 31, 63, 255, 2047])
    func fixedVHDByQEMU(mebibytes: UInt64) throws {
        try withTemporaryDirectory { directory in
            let byteCount = mebibytes << 20
            let path = directory.appending("d.vhd")
            let sink = FixedVHDSink(
                try newFile(path, byteCount: FixedVHDSink.fileByteCount(for: byteCount)),
                byteCount: byteCount, created: 1_800_000_000_000_000_000)
            try SyntheticDisk(seed: 5, byteCount: 4096).bytes.withUnsafeBytes {
                try sink.write(at: byteCount - 4096, $0)
            }
            try sink.finish()
            try Images.run(
                "head -c \(byteCount) d.vhd >raw; qemu-img compare -f vpc -F raw d.vhd raw",
                in: directory)
        }
    }

    // MARK: Images by qemu-img

    @Test(
        "QEMU writes an image of each format with the bytes of the disk",
        .enabled("SKIP: there is no qemu-nbd or no qemu-img") { Images.hasQEMU },
        arguments: [
            (OutputFormat.dynamicVHD, "vpc"), (.vhdx, "vhdx"), (.qcow2, "qcow2"), (.vmdk, "vmdk"),
            (.vdi, "vdi"),
        ])
    func conversion(format: OutputFormat, driver: String) throws {
        try withTemporaryDirectory { directory in
            let disk = SyntheticDisk(seed: 3, byteCount: 5_000_192)
            try disk.write(to: directory.appending("raw"), sparse: true)
            let path = directory.appending("image")
            let reached = Guarded<UInt64>(0)
            var conversion = ImageConversion(format)
            conversion.reached = { end in reached.update { $0 = max($0, end) } }
            let sink = try newFile(path)
            try conversion.write(
                MemorySource(name: "disk", disk.bytes), to: sink, name: "a b.\(format.fileEnding)")
            try sink.finish()
            #expect(reached.read() == 5_000_192)
            try Images.run("qemu-img compare -f \(driver) -F raw image raw", in: directory)
            if format == .vmdk {
                let head = try FileSource(path).bytes(at: 512, 2048)
                #expect(String(decoding: head, as: UTF8.self).contains("\"a-b.vmdk\""))
            }
        }
    }

    @Test(
        "an OVA has a description of the machine and each disk, as it is read again",
        .enabled("SKIP: there is no qemu-nbd or no qemu-img") { Images.hasQEMU })
    func archive() throws {
        try withTemporaryDirectory { directory in
            let disks = [
                SyntheticDisk(seed: 3, byteCount: 5_000_192).bytes,
                SyntheticDisk(seed: 4, byteCount: 70_144).bytes,
            ]
            let path = directory.appending("m.ova")
            let sink = try newFile(path)
            try OVAWriter.write(
                [
                    OVAWriter.Disk("os.img", MemorySource(name: "os", disks[0])),
                    OVAWriter.Disk("data/<1>", MemorySource(name: "data", disks[1])),
                ], of: "web & <co>", to: sink, by: { ImageConversion(.vmdk) },
                partial: { () throws(KuraError) in
                    try SinkPath(directory.appending("part")).open(byteCount: 0) as! NewFileSink
                })
            try sink.finish()
            #expect(try LocalFileSystem().list(directory) == ["m.ova"])
            let images = try DiskImage.open(try FileSource(path), .ova)
            #expect(images.compactMap(\.member) == ["os.vmdk", "data--1-.vmdk"])
            for (image, bytes) in zip(images, disks) {
                #expect(try Images.contents(image.source) == bytes)
            }
            try Images.run(
                """
                test "$(tar -tf m.ova)" = "$(printf 'web----co-.ovf\\nos.vmdk\\ndata--1-.vmdk')"
                tar -xf m.ova
                python3 - <<'END'
                import xml.etree.ElementTree as tree, os
                root = tree.parse('web----co-.ovf').getroot()
                ovf = '{http://schemas.dmtf.org/ovf/envelope/1}'
                for file in root.iter(ovf + 'File'):
                    assert os.path.getsize(file.get(ovf + 'href')) == int(file.get(ovf + 'size'))
                assert root.find('.//' + ovf + 'Name').text == 'web & <co>'
                END
                """, in: directory)
        }
    }

    @Test(
        "a disk that cannot be read is the reason of the error, and leaves no image",
        .enabled("SKIP: there is no qemu-img") { Images.has("qemu-img") })
    func failingDisk() throws {
        try withTemporaryDirectory { directory in
            let sink = try newFile(directory.appending("image"))
            let error = #expect(throws: KuraError.self) {
                try ImageConversion(.qcow2).write(DamagedSource(), to: sink, name: "image")
            }
            #expect(error?.message == "a chunk has no good copy")
            sink.abandon()
            #expect(try LocalFileSystem().list(directory).isEmpty)
        }
    }

    @Test(
        "a cancellation ends a conversion",
        .enabled("SKIP: there is no qemu-img") { Images.has("qemu-img") })
    func cancelled() throws {
        try withTemporaryDirectory { directory in
            let sink = try newFile(directory.appending("image"))
            var conversion = ImageConversion(.qcow2)
            let cancellation = conversion.cancellation
            conversion.reached = { _ in cancellation.cancel() }
            let error = #expect(throws: KuraError.self) {
                try conversion.write(
                    MemorySource(name: "disk", SyntheticDisk(seed: 5, byteCount: 8 << 20).bytes),
                    to: sink,
                    name: "image")
            }
            #expect(error?.code == .interrupted)
            sink.abandon()
        }
    }
}

private final class DamagedSource: DiskSource {
    let name = "disk"
    var knownByteCount: UInt64? { 1 << 20 }
    func hasChanged() throws(KuraError) -> Bool { false }
    func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? { range }
    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        throw KuraError(.damaged, "a chunk has no good copy")
    }
}
