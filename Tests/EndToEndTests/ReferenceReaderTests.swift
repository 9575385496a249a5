import Foundation
import SystemPackage
import Testing
import TestSupport

/// The independent reader knows FORMAT.md only and shares no code with Kura.
@Suite("The reference reader") struct ReferenceReaderTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private func read(_ arguments: [String], in kura: Kura) throws -> Kura.Outcome {
        let program = Self.root.appendingPathComponent("Tools/reference-reader").path
        let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
        return try kura.shell("python3 '\(program)' \(quoted)")
    }

    @Test("restores every disk of the golden vault")
    func fixture() throws {
        try Kura.inDirectory { kura in
            let fixture = Self.root.appendingPathComponent("Tests/Fixtures/format-v1").path
            let outcome = try read(["check", fixture], in: kura)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("6 passed, 0 failed"), "\(outcome.output)")
        }
    }

    @Test("restores what this Kura writes", arguments: [[], ["--from-trailers"]])
    func fresh(flags: [String]) throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 5_000_001)
            #expect(try kura.run("backup", disk).code == 0)
            let id = try kura.run("list", "--quiet").output.trimmingCharacters(in: .newlines)
            let output = kura.directory.appending("o").string
            let replica = kura.home + "/regions/local/replica-2"
            let outcome = try read(
                ["restore", replica, "--point", id, "--disk", "d.img", "--output", output] + flags,
                in: kura)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(try kura.bytes(output) == kura.bytes(disk))
        }
    }
}
