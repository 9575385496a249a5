import Foundation
import SystemPackage
import Testing

/// The independent reader knows FORMAT.md only and shares no code with Kura.
@Suite("The reference reader") struct ReferenceReaderTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private func read(_ arguments: [String], in kura: Kura) throws -> Kura.Outcome {
        let program = Self.root.appendingPathComponent("Tools/reference-reader").path
        let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
        return try kura.shell("python3 '\(program)' \(quoted)")
    }

    @Test(
        "lists and restores every disk of the golden vault", arguments: [[], ["--from-trailers"]])
    func fixture(flags: [String]) throws {
        try Kura.inDirectory { kura in
            let fixture = Self.root.appendingPathComponent("Tests/Fixtures/format-v1")
            let replica = fixture.appendingPathComponent("replica-0").path
            let list = try read(["list", replica], in: kura)
            #expect(list.code == 0, "\(list.error)")
            let expected = try String(
                contentsOf: fixture.appendingPathComponent("expected"), encoding: .utf8)
            let disks = expected.split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(disks.count == 6)
            for (number, line) in disks.enumerated() {
                let fields = line.split(separator: " ").map(String.init)
                #expect(list.output.contains(fields[0]))
                let output = kura.directory.appending("disk-\(number)").string
                let outcome = try read(
                    ["restore", replica, "--point", fields[0], "--disk", fields[1]]
                        + ["--output", output] + flags,
                    in: kura)
                #expect(outcome.code == 0, "\(outcome.error)")
                let digest = try kura.shell("sha256sum <'\(output)'").output
                #expect(digest.hasPrefix(fields[2]), "\(line)")
            }
        }
    }

    @Test("refuses a damaged replica and leaves no disk")
    func damage() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 300_000)
            #expect(try kura.run("backup", disk).code == 0)
            let id = try kura.run("list", "--quiet").output.trimmingCharacters(in: .newlines)
            let replica = kura.home + "/regions/local/replica-1"
            let damage = """
                for pack in '\(replica)'/vaults/*/packs/*/*; do chmod u+w $pack
                printf '\\377\\377' | dd of=$pack bs=1 seek=200 conv=notrunc; done
                """
            #expect(try kura.shell(damage).code == 0)
            let output = kura.directory.appending("o").string
            let outcome = try read(
                ["restore", replica, "--point", id, "--disk", "d.img", "--output", output],
                in: kura)
            #expect(outcome.code == 1, "\(outcome.error)")
            #expect(outcome.error.hasPrefix("reference-reader: "))
            #expect(!FileManager.default.fileExists(atPath: output))
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
