import Glibc
import KuraIO
import SystemPackage
import Testing

@Suite("The output of a program as a disk") struct CommandSourceTests {
    private func source(
        _ script: String, _ cancellation: Cancellation = Cancellation()
    ) throws -> CommandSource {
        try CommandSource(
            ["sh", "-c", script], folder: "/", environment: ["WORD": "from outside"],
            cancellation: cancellation)
    }

    /// Everything to the end, in pieces.
    private func read(_ source: CommandSource, pieceBytes: Int = 10) throws -> String {
        var found: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        while true {
            let place = UInt64(found.count)
            let count = try piece.withUnsafeMutableBytes { try source.read(at: place, into: $0) }
            found += piece[..<count]
            if count < pieceBytes { return String(decoding: found, as: UTF8.self) }
        }
    }

    @Test("gives what the program writes, in its folder and with its variables")
    func output() throws {
        let source = try source(#"pwd; printf '%s, twenty bytes' "$WORD"; cat"#)
        #expect(source.name == "the output of sh")
        #expect(source.knownByteCount == nil)
        #expect(try source.firstBytes(3) == Array("/\nf".utf8))
        #expect(try read(source) == "/\nfrom outside, twenty bytes")
    }

    @Test(
        "throws at the end where the program did not end well, and says how it ended",
        arguments: [
            ("exit 3", "its program ended with exit status 3"),
            ("kill -9 $$", "signal 9 (Killed) ended its program"),
            ("exec >&-; exit 4", "its program ended with exit status 4"),
        ])
    func failure(_ end: String, _ message: String) throws {
        // Ten bytes: the last piece is full, and the end comes behind it.
        for text in ["short", "ten bytes."] {
            let source = try source("printf '\(text)'; \(end)")
            let error = #expect(throws: KuraError.self) { _ = try read(source) }
            #expect(error?.code == .io)
            #expect(error?.message == "the output of sh is not whole: \(message)")
            // Threads that read from the start again find the same.
            #expect(throws: try #require(error)) { _ = try read(source) }
        }
    }

    @Test("a program that is not there cannot be started")
    func missing() throws {
        let error = #expect(throws: KuraError.self) {
            _ = try CommandSource(
                ["/no/such/program"], folder: "/", environment: [:], cancellation: Cancellation())
        }
        #expect(
            error?.message == "/no/such/program cannot be started: No such file or directory")
    }

    @Test("a cancellation ends the wait for a program that goes on without output")
    func cancelled() throws {
        let cancellation = Cancellation()
        let source = try source("exec >&-; exec sleep 1000", cancellation)
        let canceller = SerialWorker()
        canceller.submit { cancellation.cancel() }
        #expect(try read(source).isEmpty)
        canceller.stop()
    }

    @Test("a program whose output is not wanted any more is ended")
    func abandoned() throws {
        var source: CommandSource? = try source("printf '%010d' $$; exec sleep 1000")
        var text = [UInt8](repeating: 0, count: 10)
        _ = try text.withUnsafeMutableBytes { try source?.read(at: 0, into: $0) }
        let process = try #require(Int32(String(decoding: text, as: UTF8.self)))
        source = nil
        // Until it has ended; no such child where that was noticed already.
        var information = siginfo_t()
        let result = waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT)
        #expect(result == 0 || errno == ECHILD)
    }
}
