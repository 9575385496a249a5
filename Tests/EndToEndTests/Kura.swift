import Foundation
import SystemPackage
import TestSupport
import Testing

/// The built `kura`, run as a user would, with a home of its own.
struct Kura {
    let directory: FilePath

    struct Outcome {
        var code: Int32
        var output: String
        var error: String

        /// The JSON document on standard output.
        func json() throws -> [String: Any] {
            let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return try #require(value as? [String: Any])
        }
    }

    var home: String { directory.appending("home").string }

    /// The program beside the test bundle.
    private static let program: URL = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appendingPathComponent("kura")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
            folder.deleteLastPathComponent()
        }
        return folder
    }()

    /// Runs `kura` and waits for it.
    /// - Parameter input: what standard input gives; nothing by default.
    func run(_ arguments: String..., input: FilePath? = nil) throws -> Outcome {
        try run(arguments, input: input)
    }

    func run(_ arguments: [String], input: FilePath? = nil) throws -> Outcome {
        let out = directory.appending("out-\(UInt64.random(in: 0...UInt64.max))").string
        let err = out + "-error"
        for path in [out, err] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        defer { for path in [out, err] { try? FileManager.default.removeItem(atPath: path) } }
        let process = try start(arguments, input: input, output: out, error: err)
        process.waitUntilExit()
        return Outcome(
            code: process.terminationStatus,
            output: String(
                decoding: try Data(contentsOf: URL(fileURLWithPath: out)), as: UTF8.self),
            error: String(decoding: try Data(contentsOf: URL(fileURLWithPath: err)), as: UTF8.self))
    }

    /// Starts `kura` without waiting.
    func start(
        _ arguments: [String], input: FilePath? = nil, output: String, error: String
    ) throws -> Process {
        let process = Process()
        process.executableURL = Self.program
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["KURA_HOME"] = home
        process.environment = environment
        process.standardInput =
            try input.map {
                try FileHandle(forReadingFrom: URL(fileURLWithPath: $0.string))
            } ?? FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: error))
        try process.run()
        return process
    }

    /// Runs a shell line in which `kura` is the program.
    func shell(_ line: String) throws -> Outcome {
        let out = directory.appending("out-\(UInt64.random(in: 0...UInt64.max))").string
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let folder = Self.program.deletingLastPathComponent().path
        process.arguments = [
            "-c",
            "export PATH='\(folder)':$PATH KURA_HOME='\(home)'; cd '\(directory)'; "
                + "{ \(line)\n} >'\(out)' 2>'\(out)-error'",
        ]
        try process.run()
        process.waitUntilExit()
        func text(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        }
        return Outcome(
            code: process.terminationStatus, output: text(out), error: text(out + "-error"))
    }

    /// Runs a test in a directory of its own, in which a home was made.
    static func inDirectory(_ body: (Kura) throws -> Void) throws {
        try withoutHome { kura in
            let made = try kura.run("init")
            #expect(made.code == 0, "\(made.error)")
            try body(kura)
        }
    }

    /// Likewise, but no home is there yet.
    static func withoutHome(_ body: (Kura) throws -> Void) throws {
        try withTemporaryDirectory { try body(Kura(directory: $0)) }
    }

    /// Writes a synthetic disk and returns its path.
    func disk(_ name: String, seed: UInt64 = 1, byteCount: Int = 3_000_000) throws -> String {
        let path = directory.appending(name)
        try SyntheticDisk(seed: seed, byteCount: byteCount).write(to: path, sparse: true)
        return path.string
    }

    func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
}
