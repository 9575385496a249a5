import Foundation
import KuraIO
import SystemPackage
import TestSupport
import Testing

@Suite("Images that a machine writes to") struct MachineLockTests {
    private static let qemu = "/usr/bin/qemu-io"

    @Test("a lock on QEMU's byte for writing tells, one that forbids writing does not")
    func bytes() throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            try SyntheticDisk(seed: 1, byteCount: 1000).write(to: path, sparse: false)
            let source = try FileSource(path)
            #expect(!source.isWrittenByMachine())
            for (offset, isWriting) in [(100, false), (101, true), (201, false)] as [(Int, Bool)] {
                let holder = try lockByte(offset, of: path)
                #expect(source.isWrittenByMachine() == isWriting)
                try holder.close()
                #expect(!source.isWrittenByMachine())
            }
        }
    }

    @Test(
        "an image that QEMU has open for writing is told from one that it only reads",
        .enabled(
            "SKIP: there is no qemu-io", { FileManager.default.isExecutableFile(atPath: qemu) }),
        arguments: [true, false])
    func real(_ isWriting: Bool) throws {
        try withTemporaryDirectory { directory in
            let path = directory.appending("disk")
            try SyntheticDisk(seed: 1, byteCount: 1 << 20).write(to: path, sparse: false)
            let process = Foundation.Process()
            process.executableURL = URL(fileURLWithPath: Self.qemu)
            process.arguments = ["-f", "raw"] + (isWriting ? [] : ["-r"]) + [path.string]
            let (input, output) = (Pipe(), Pipe())
            process.standardInput = input
            process.standardOutput = output
            try process.run()
            // It answers when it has opened the image.
            try input.fileHandleForWriting.write(contentsOf: Data("length\n".utf8))
            #expect(try output.fileHandleForReading.read(upToCount: 1)?.count == 1)
            #expect(try FileSource(path).isWrittenByMachine() == isWriting)
            try input.fileHandleForWriting.close()
            process.waitUntilExit()
            #expect(try !FileSource(path).isWrittenByMachine())
        }
    }
}
