import Foundation
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Block devices as targets") struct DeviceSinkTests {
    private static let canAttach = Process.userID == 0 && access("/dev/loop-control", F_OK) == 0
    private static let needsLoops: ConditionTrait = .enabled(
        if: canAttach, "SKIP: only root attaches loop devices")

    /// Runs a program of the system; its first line of output.
    @discardableResult private func run(_ words: String...) throws -> String {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(words)")
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first
            .map(String.init) ?? ""
    }

    /// Gives a loop device over a file of 4 MiB, full of 0x55.
    private func withDevice(_ body: (FilePath, _ directory: FilePath) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending("device")
            try Data(repeating: 0x55, count: 4 << 20).write(to: URL(fileURLWithPath: file.string))
            let device = try run("losetup", "-f", "--show", file.string)
            defer {
                do {
                    try run("losetup", "-d", device)
                } catch {
                    Issue.record(error)
                }
            }
            try body(FilePath(device), directory)
        }
    }

    private func bytes(_ device: FilePath) throws -> [UInt8] {
        let source = try FileSource(device)
        var bytes = [UInt8](repeating: 0, count: Int(source.byteCount))
        let count = try bytes.withUnsafeMutableBytes { try source.read(at: 0, into: $0) }
        #expect(count == bytes.count)
        return bytes
    }

    private func error(_ path: SinkPath, byteCount: UInt64 = 1) -> KuraError? {
        #expect(throws: KuraError.self) { _ = try path.open(byteCount: byteCount) }
    }

    @Test("overwrites a device from its start and leaves what lies behind", needsLoops)
    func overwrite() throws {
        try withDevice { device, _ in
            let disk = SyntheticDisk(seed: 1, byteCount: 1_000_003).bytes
            let sink = try SinkPath(device, isDevice: true).open(byteCount: UInt64(disk.count))
            #expect(!sink.startsAsZeros)
            try disk.withUnsafeBytes { bytes in
                try sink.write(
                    at: 0, UnsafeRawBufferPointer(rebasing: bytes[..<500_000]))
                try sink.zero(500_000..<600_000)
                try sink.write(
                    at: 600_000, UnsafeRawBufferPointer(rebasing: bytes[600_000...]))
            }
            try sink.finish()
            let found = try bytes(device)
            #expect(found[..<500_000] == disk[..<500_000])
            #expect(found[500_000..<600_000].allSatisfy { $0 == 0 })
            #expect(found[600_000..<disk.count] == disk[600_000...])
            #expect(found[disk.count...].allSatisfy { $0 == 0x55 })
        }
    }

    @Test("takes a device only where it was asked for as one", needsLoops)
    func unasked() throws {
        try withDevice { device, _ in
            for overwrites in [true, false] {
                let error = error(SinkPath(device, overwrites: overwrites))
                #expect(error?.code == .refused)
                #expect(
                    error?.message
                        == "\(device) is a block device, and what is on it would be lost")
                #expect(error?.remedy?.names(.point(.overwriteDevice)) == true)
            }
        }
    }

    @Test("refuses a device that is mounted, and says where", needsLoops)
    func mounted() throws {
        try withDevice { device, directory in
            let mount = directory.appending("a mount")
            try LocalFileSystem().makeDirectory(mount)
            try run("mkfs.ext4", "-q", device.string)
            try run("mount", device.string, mount.string)
            do {
                defer {
                    do {
                        try run("umount", mount.string)
                    } catch {
                        Issue.record(error)
                    }
                }
                let before = try bytes(device)
                let error = error(SinkPath(device, overwrites: true, isDevice: true))
                #expect(error?.code == .refused)
                #expect(
                    error?.message == "\(device) is mounted at \(mount): nothing was written to it")
                #expect(try bytes(device) == before)
            }
            _ = try SinkPath(device, isDevice: true).open(byteCount: 1)
        }
    }

    @Test("refuses a device that another program holds, and holds what it writes", needsLoops)
    func held() throws {
        try withDevice { device, _ in
            let sink = try SinkPath(device, isDevice: true).open(byteCount: 1)
            let error = error(SinkPath(device, isDevice: true))
            #expect(error?.code == .refused)
            #expect(error?.message.contains("another program holds it") == true)
            try sink.finish()
        }
    }

    @Test("refuses a device that is too small, before anything is written", needsLoops)
    func small() throws {
        try withDevice { device, _ in
            let error = error(SinkPath(device, isDevice: true), byteCount: (4 << 20) + 1)
            #expect(error?.message == "\(device) has 4194304 bytes, the disk needs 4194305")
            let found = try bytes(device)
            #expect(found.allSatisfy { $0 == 0x55 })
        }
    }

    @Test("takes no file, and makes none, where a device was asked for")
    func noDevice() throws {
        try withTemporaryDirectory { directory in
            for name in ["disk", "new"] {
                let path = directory.appending(name)
                if name == "disk" { LocalFileSystem().close(try LocalFileSystem().create(path)) }
                let error = error(SinkPath(path, overwrites: true, isDevice: true))
                #expect(error?.code == .invalidInput)
                #expect(error?.message == "\(path) is not a block device")
            }
            #expect(try LocalFileSystem().list(directory) == ["disk"])
        }
    }

    // MARK: - The kernel's table of mounts

    private static let table = #"""
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
        40 22 0:45 / /mnt/with\040space rw - btrfs /dev/vdb rw,space_cache
        41 22 7:3 / /srv/loop rw,nosuid shared:5 master:2 - ext4 /dev/loop3 rw
        42 22 0:5 / /proc rw - proc proc rw
        damaged
        """#

    @Test(
        "finds a mount by the device's number, or by its path where a file system has its own",
        arguments: [
            (["7:3"], "/srv/loop"), (["253:16"], "/mnt/with space"), (["9:9", "8:1"], "/"),
            (["9:9"], nil), ([], nil),
        ] as [(Set<String>, String?)])
    func mountTable(_ numbers: Set<String>, _ place: String?) {
        let found = DeviceUse.mountPoint(of: numbers, in: Self.table) { source in
            source == "/dev/vdb" ? "253:16" : nil
        }
        #expect(found == place)
    }
}

extension Remedy {
    /// Whether it is the other one, or offers it.
    fileprivate func names(_ other: Remedy) -> Bool {
        guard case .anyOf(let remedies) = self else { return self == other }
        return remedies.contains(other)
    }
}
