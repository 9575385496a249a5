import CLinux
import Glibc
import KuraIO
import SystemPackage
import TestSupport
import Testing

/// The jail itself, with a shell in the place of the program that reads images.
@Suite("The jail of a program that reads images") struct JailTests {
    private struct Run {
        var process: Int32
        var missing: Int32
        /// The program ends when it is closed.
        var alive: Int32
        var output: Int32

        func text() -> String {
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = bytes.withUnsafeMutableBytes { pread(output, $0.baseAddress, $0.count, 0) }
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }

        func wait() -> Int32 {
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            return status
        }
    }

    private func start(_ script: String, files: [FilePath]) throws -> Run {
        let open = try files.map { try FileDescriptor.open($0, .readOnly, options: .closeOnExec) }
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let output = kura_memory_file()
        var ends: [Int32] = [-1, -1]
        #expect(kura_pipe_cloexec(&ends) == 0)
        var missing: Int32 = -1
        let process = withProgramWords(["/usr/bin/sh", "-c", script], environment: [:]) {
            words, _ in
            words.withUnsafeBufferPointer { words in
                open.map(\.rawValue).withUnsafeBufferPointer { files in
                    var jail = kura_jail(
                        arguments: words.baseAddress, files: files.baseAddress,
                        file_count: Int32(files.count), listener: listener, output: output,
                        alive: ends[0])
                    return kura_spawn_jailed(&jail, &missing)
                }
            }
        }
        for descriptor in open { try descriptor.close() }
        for descriptor in [listener, ends[0]] { close(descriptor) }
        #expect(process > 0)
        return Run(process: process, missing: missing, alive: ends[1], output: output)
    }

    @Test("shows it its files and its libraries, and lets it change nothing")
    func sees() throws {
        try withTemporaryDirectory { folder in
            try writeFile(Array("the image\n".utf8), to: folder.appending("image"))
            try writeFile(Array("the secret\n".utf8), to: folder.appending("secret"))
            chmod(folder.appending("image").string, 0o600)
            let run = try start(
                """
                read line </proc/self/fd/4 && echo "read $line"
                read line <\(folder.appending("secret")) && echo "read $line"
                read line </etc/passwd && echo "read $line"
                echo x >>/proc/self/fd/4 && echo changed
                echo x >/tmp/kura-escape && echo changed
                echo "user $(id -u)"; cd / && echo "root: $(echo *)"; exit 7
                """, files: [folder.appending("image")])
            #expect(run.wait() == 7 << 8)
            let text = run.text()
            #expect(text.contains("read the image\n"), "\(text)")
            #expect(text.ranges(of: "read ").count == 1, "\(text)")
            #expect(!text.contains("changed"), "\(text)")
            #expect(try readFile(folder.appending("image")) == Array("the image\n".utf8))
            if run.missing == 0 {
                #expect(text.contains("user 65534"), "\(text)")
                #expect(!text.contains(" home "), "\(text)")
            }
            for descriptor in [run.alive, run.output] { close(descriptor) }
        }
    }

    @Test("gives it no right, no network, and no sight of other processes")
    func rights() throws {
        let run = try start(
            "kill -0 \(getpid()) && echo reached; mount -t tmpfs none /usr && echo mounted; "
                + "echo $LISTEN_FDS $LISTEN_PID $$", files: [])
        _ = run.wait()
        let text = run.text()
        #expect(!text.contains("mounted"), "\(text)")
        if run.missing == 0 {
            #expect(!text.contains("reached"), "\(text)")
            #expect(text.hasSuffix("1 1 1\n"), "\(text)")
        }
        for descriptor in [run.alive, run.output] { close(descriptor) }
    }

    @Test("ends it when its parent does, or lets go of it")
    func ends() throws {
        let run = try start("exec sleep 3600", files: [])
        close(run.alive)
        #expect(run.wait() == (128 + SIGKILL) << 8)
        close(run.output)
    }
}
