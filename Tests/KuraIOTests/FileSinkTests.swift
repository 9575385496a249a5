import Glibc
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("File sinks") struct FileSinkTests {
    private let local = LocalFileSystem()

    private func contents(_ path: FilePath) throws -> [UInt8] {
        try local.contents(path, max: 1 << 24)
    }

    private func write(_ bytes: [UInt8], to file: any DiskSink, at offset: UInt64) throws {
        try bytes.withUnsafeBytes { try file.write(at: offset, $0) }
    }

    private func inode(_ path: FilePath) -> UInt64 {
        var status = stat()
        stat(path.string, &status)
        return UInt64(status.st_ino)
    }

    /// Opens a sink that must be refused.
    private func error(_ path: SinkPath, byteCount: UInt64 = 1) -> KuraError? {
        #expect(throws: KuraError.self) { _ = try path.open(byteCount: byteCount) }
    }

    // MARK: - New files

    @Test("a new file gets its name when it is finished, and not before")
    func finish() throws {
        let disk = SyntheticDisk(seed: 1, byteCount: 100_001).bytes
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let file = try SinkPath(path).open(byteCount: UInt64(disk.count))
            try write(Array(disk[50_000...]), to: file, at: 50_000)
            try write(Array(disk[..<50_000]), to: file, at: 0)
            #expect(try !local.exists(path))
            try file.finish()
            #expect(try contents(path) == disk)
            #expect(try local.list(directory) == ["disk"])
        }
    }

    @Test("what a restore left that was killed stands in no other one's way")
    func killed() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            // Neither finished nor abandoned, by a process of the same number.
            _ = try SinkPath(path).open(byteCount: 3)
            let file = try SinkPath(path).open(byteCount: 3)
            try write([1, 2, 3], to: file, at: 0)
            try file.finish()
            #expect(try contents(path) == [1, 2, 3])
        }
    }

    @Test("threads write long and short pieces side by side")
    func longPieces() throws {
        let disk = SyntheticDisk(seed: 2, byteCount: 4_000_003).bytes
        let buffer = AlignedBuffer(byteCount: disk.count)
        buffer.bytes.copyBytes(from: disk)
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let file = try SinkPath(path).open(byteCount: UInt64(disk.count))
            // Long ones start on blocks; short ones lie between them.
            Threads.run(4) { thread in
                let ends = [0, 1_048_576, 1_048_676, 1_052_672, disk.count]
                let range = ends[thread]..<ends[thread + 1]
                do {
                    try file.write(
                        at: UInt64(range.lowerBound),
                        UnsafeRawBufferPointer(rebasing: buffer.bytes[range]))
                } catch {
                    Issue.record(error)
                }
            }
            try file.finish()
            #expect(try contents(path) == disk)
        }
    }

    @Test("a new file has its whole size and reads as zeros before anything is written")
    func zeros() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let file = try SinkPath(path).open(byteCount: 12_345)
            #expect(file.startsAsZeros)
            try file.finish()
            #expect(try contents(path) == [UInt8](repeating: 0, count: 12_345))
        }
    }

    @Test("a disk of no bytes is a file of no bytes")
    func empty() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            try SinkPath(path).open(byteCount: 0).finish()
            #expect(try contents(path).isEmpty)
        }
    }

    @Test("a new file is its owner's only")
    func mode() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            try SinkPath(path).open(byteCount: 1).finish()
            #expect(try local.status(path).mode == 0o600)
        }
    }

    @Test("nothing is left of a new file that is abandoned")
    func abandon() throws {
        try withTemporaryDirectory { directory in
            let file = try SinkPath(directory.appending("disk")).open(byteCount: 10)
            try write([1, 2, 3], to: file, at: 0)
            #expect(try local.list(directory).count == 1)
            file.abandon()
            #expect(try local.list(directory).isEmpty)
        }
    }

    @Test("a file that gets the name meanwhile is not overwritten")
    func race() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let file = try SinkPath(path).open(byteCount: 10)
            local.close(try local.create(path))
            let error = #expect(throws: KuraError.self) { try file.finish() }
            #expect(error?.code == .exists)
            #expect(error?.message == "\(path) exists already")
            file.abandon()
            #expect(try contents(path).isEmpty)
            #expect(try local.list(directory) == ["disk"])
        }
    }

    // MARK: - Errors

    @Test("refuses a file that exists, and leaves it as it is")
    func exists() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            try SyntheticDisk(seed: 1, byteCount: 100).write(to: path, sparse: false)
            let before = try contents(path)
            let error = error(SinkPath(path), byteCount: 10)
            #expect(error?.code == .exists)
            #expect(error?.message == "\(path) exists already")
            #expect(try contents(path) == before)
            #expect(try local.list(directory) == ["disk"])
        }
    }

    @Test("refuses to replace a file that a running machine writes to")
    func machine() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            try SyntheticDisk(seed: 1, byteCount: 100).write(to: path, sparse: false)
            let before = try contents(path)
            let holder = try lockByte(101, of: path)
            let error = error(SinkPath(path, overwrites: true), byteCount: 10)
            #expect(error?.code == .refused)
            #expect(error?.message == "a running machine (QEMU) writes to \(path)")
            #expect(try contents(path) == before)
            try holder.close()
            _ = try SinkPath(path, overwrites: true).open(byteCount: 10)
        }
    }

    @Test("follows a link to what is overwritten only where that is wanted")
    func links() throws {
        try withTemporaryDirectory { directory in
            let (file, link) = (directory.appending("file"), directory.appending("link"))
            let old = Array("outside of the chosen directory".utf8)
            try LocalFileSystem().publish(old, as: file, temporary: directory.appending("new"))
            #expect(symlink(file.string, link.string) == 0)
            for overwrite in [true, false] {
                let error = error(SinkPath(link, overwrites: overwrite, followsLink: false))
                #expect(error?.message == "\(link) is a symbolic link")
            }
            #expect(try LocalFileSystem().contents(file, max: 1000) == old)
            chmod(file.string, 0o600)
            let target = try SinkPath(link, overwrites: true).open(byteCount: 1)
            try target.finish()
            #expect(try LocalFileSystem().status(file).byteCount == 1)
        }
    }

    @Test("refuses a link that leads nowhere before anything is written", arguments: [true, false])
    func danglingLink(_ overwrite: Bool) throws {
        try withTemporaryDirectory { directory in
            let link = directory.appending("link")
            #expect(symlink(directory.appending("absent").string, link.string) == 0)
            let error = error(SinkPath(link, overwrites: overwrite))
            #expect(error?.message == "\(link) is a symbolic link")
            let names = try LocalFileSystem().list(directory)
            #expect(names == ["link"])
        }
    }

    @Test("leaves partial files of others alone, and goes through no link of theirs")
    func strangePartial() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let partial = FilePath("\(path.string).\(Process.id).partial")
            let elsewhere = directory.appending("elsewhere")
            #expect(symlink(elsewhere.string, partial.string) == 0)
            let target = try SinkPath(path).open(byteCount: 1)
            try target.finish()
            #expect(try !LocalFileSystem().exists(elsewhere))
            let names = try LocalFileSystem().list(directory)
            #expect(names.sorted() == ["disk", partial.lastComponent?.string])
        }
    }

    @Test("refuses a directory, with and without overwriting", arguments: [true, false])
    func directory(_ overwrite: Bool) throws {
        try withTemporaryDirectory { directory throws in
            let error = error(SinkPath(directory, overwrites: overwrite))
            #expect(error?.message == "\(directory) is a directory")
        }
    }

    @Test("refuses a place in a directory that does not exist", arguments: [true, false])
    func noParent(_ overwrite: Bool) throws {
        try withTemporaryDirectory { directory throws in
            let path = directory.appending("missing/disk")
            let error = error(SinkPath(path, overwrites: overwrite))
            #expect(error?.message == "the directory for \(path) does not exist")
            #expect(try local.list(directory).isEmpty)
        }
    }

    @Test(
        "refuses a pipe and /dev/null, and names the stream that takes a disk in order",
        .timeLimit(.minutes(1)), arguments: [true, false])
    func neitherFileNorDisk(_ overwrites: Bool) throws {
        try withTemporaryDirectory { directory throws in
            let pipe = directory.appending("pipe")
            #expect(mkfifo(pipe.string, 0o600) == 0)
            for path in [pipe, "/dev/null"] {
                let error = error(SinkPath(path, overwrites: overwrites, isDevice: !overwrites))
                #expect(error?.message == "\(path) is neither a file nor a block device")
                #expect(error?.remedy == .point(.restoreStream))
            }
        }
    }

    /// Files in memory may have any size that can be said.
    private static func hasSizeLimit() throws -> Bool {
        try withTemporaryDirectory { directory in
            let file = open(directory.appending("probe").string, O_RDWR | O_CREAT, 0o600)
            defer { close(file) }
            return ftruncate(file, Int(Int64.max)) != 0
        }
    }

    @Test(
        "leaves nothing behind when the size is impossible",
        .enabled("SKIP: files in memory have no size that is impossible") { try hasSizeLimit() })
    func impossibleSize() throws {
        try withTemporaryDirectory { directory throws in
            let path = directory.appending("disk")
            let tooLarge = UInt64(Int64.max)
            let error = error(SinkPath(path), byteCount: tooLarge)
            #expect(error == KuraError(io: IOError("resize", at: path, .fileTooLarge)))
            #expect(try local.list(directory).isEmpty)
        }
    }

    // MARK: - Overwriting

    @Test(
        "an old file is whole until the new one, of another size, has its name",
        arguments: [0, 5000, 300_000])
    func overwrite(_ byteCount: Int) throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let old = SyntheticDisk(seed: 1, byteCount: 100_000)
            try old.write(to: path, sparse: false)
            let disk = SyntheticDisk(seed: 2, byteCount: byteCount).bytes
            let file = try SinkPath(path, overwrites: true).open(byteCount: UInt64(byteCount))
            #expect(file.startsAsZeros)
            try write(disk, to: file, at: 0)
            #expect(try contents(path) == old.bytes)
            try file.finish()
            #expect(try contents(path) == disk)
            #expect(try local.list(directory) == ["disk"])
        }
    }

    @Test("an old file is as it was when the new one is abandoned")
    func abandonOverwrite() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let old = SyntheticDisk(seed: 1, byteCount: 1000)
            try old.write(to: path, sparse: false)
            let before = inode(path)
            let file = try SinkPath(path, overwrites: true).open(byteCount: 500)
            try write([1, 2, 3], to: file, at: 0)
            file.abandon()
            #expect(try contents(path) == old.bytes)
            #expect(inode(path) == before)
            #expect(try local.list(directory) == ["disk"])
        }
    }

    @Test(
        "a replaced file keeps owner, group and permissions, but for a bit that runs it as another")
    func keptPermissions() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            local.close(try local.create(path))
            // Only root may give files away.
            if Process.userID == 0 { #expect(chown(path.string, 12, 34) == 0) }
            #expect(chmod(path.string, 0o4640) == 0)
            let file = try SinkPath(path, overwrites: true).open(byteCount: 3)
            for name in try local.list(directory) where name != "disk" {
                #expect(try local.status(directory.appending(name)).mode == 0o600)
            }
            try file.finish()
            var status = stat()
            #expect(stat(path.string, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o640)
            if Process.userID == 0 { #expect([status.st_uid, status.st_gid] == [12, 34]) }
        }
    }

    @Test("a hard link keeps the bytes of a file that is replaced under its other name")
    func hardLink() throws {
        try withTemporaryDirectory { directory in
            let (path, other) = (directory.appending("disk"), directory.appending("other"))
            let old = SyntheticDisk(seed: 1, byteCount: 1000)
            try old.write(to: path, sparse: false)
            #expect(link(path.string, other.string) == 0)
            try SinkPath(path, overwrites: true).open(byteCount: 5).finish()
            #expect(try contents(path) == [0, 0, 0, 0, 0])
            #expect(try contents(other) == old.bytes)
        }
    }

    @Test("a symbolic link stays, and the file that it leads to is replaced where that lies")
    func symbolicLink() throws {
        try withTemporaryDirectory { directory in
            let elsewhere = directory.appending("elsewhere")
            try local.makeDirectory(elsewhere)
            let (path, link) = (elsewhere.appending("disk"), directory.appending("link"))
            local.close(try local.create(path))
            #expect(symlink("elsewhere/disk", link.string) == 0)
            let file = try SinkPath(link, overwrites: true).open(byteCount: 5)
            #expect(file.name == link.string)
            #expect(try local.list(elsewhere).count == 2)
            try file.finish()
            #expect(local.isLink(link))
            #expect(try contents(path) == [0, 0, 0, 0, 0])
        }
    }

    @Test("makes a new file where there is none to overwrite")
    func overwriteNothing() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let file = try SinkPath(path, overwrites: true).open(byteCount: 5)
            #expect(file.startsAsZeros)
            #expect(try !local.exists(path))
            try file.finish()
            #expect(try contents(path) == [0, 0, 0, 0, 0])
        }
    }

    @Test(
        "makes a range read as zeros and leaves its neighbours alone",
        arguments: [0..<0, 0..<1, 5..<4101, 4096..<8192, 10..<999_990, 0..<1_000_000])
    func zero(_ range: Range<Int>) throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let byteCount = 1_000_000
            var expected = [UInt8](repeating: 0x55, count: byteCount)
            let file = try SinkPath(path).open(byteCount: UInt64(byteCount))
            try write(expected, to: file, at: 0)
            try file.zero(UInt64(range.lowerBound)..<UInt64(range.upperBound))
            expected.replaceSubrange(range, with: repeatElement(0, count: range.count))
            try file.finish()
            #expect(try contents(path) == expected)
        }
    }

    @Test("makes a hole of what it zeroes")
    func hole() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            let size: UInt64 = 1 << 20
            let disk = SyntheticDisk(seed: 1, byteCount: Int(size)).bytes
            let file = try SinkPath(path).open(byteCount: size)
            try write(disk, to: file, at: 0)
            try file.zero(0..<size)
            try file.finish()
            #expect(try FileSource(path).nextData(in: 0..<size) == nil)
        }
    }
}
