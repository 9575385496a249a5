import Foundation
import SystemPackage
import Testing

/// The independent reader on logs of format 2, which knows section 13 of FORMAT.md only. The logs
/// were written by another program that shares no code with it; all signatures are real ones.
@Suite("The reference reader of logs") struct ReferenceLogTests {
    private static let vectors = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Vectors")
    private static let program = vectors.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Tools/reference-reader").path
    private static let vault = "bef7937690f425dd0b7225c3b452a70d"

    /// Calls `body` with a copy of the log of the vectors.
    private func withLog(_ body: (Kura, String) throws -> Void) throws {
        try Kura.inDirectory { kura in
            let source = Self.vectors.appendingPathComponent("log").path
            let copy = kura.directory.appending("log").string
            try FileManager.default.copyItem(atPath: source, toPath: copy)
            try body(kura, copy + "/" + Self.vault)
        }
    }

    private func read(_ vault: String, in kura: Kura) throws -> Kura.Outcome {
        try kura.shell("python3 '\(Self.program)' log '\(vault)'")
    }

    @Test("checks a chain with keys that come and go, and says what its records say")
    func chain() throws {
        try withLog { kura, vault in
            let outcome = try read(vault, in: kura)
            #expect(outcome.code == 0, "\(outcome.error)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 10)
            #expect(lines[0].hasPrefix("1 \(Self.vault)"))
            #expect(lines[7] == "vault 'Servers' epoch 0 keys 1 runs 1")
            #expect(lines[8].hasSuffix("item 'web-01' sequence 1 dropped"))
            #expect(lines[9].hasSuffix("item 'web-01' sequence 2 held"))
        }
    }

    @Test("refuses a flipped bit anywhere: in what a record says, its links and its signatures")
    func flipped() throws {
        try withLog { kura, vault in
            for number in [1, 2, 7] {
                let name = String(repeating: "0", count: 19) + "\(number)"
                let file = URL(fileURLWithPath: vault + "/log/" + name)
                let bytes = try Data(contentsOf: file)
                // The digest before, the public part, the signer, its signature, the decision.
                for place in [41, 140, bytes.count - 160, bytes.count - 100, bytes.count - 1] {
                    var changed = bytes
                    changed[place] ^= 4
                    try changed.write(to: file)
                    let outcome = try read(vault, in: kura)
                    #expect(outcome.code == 1, "record \(number), byte \(place)")
                    #expect(outcome.error.contains("reference-reader: record \(number) in"))
                }
                try bytes.write(to: file)
            }
        }
    }

    @Test("ends where a record is missing, and knows no other vault by this id") func missing()
        throws
    {
        try withLog { kura, vault in
            try FileManager.default.removeItem(
                atPath: vault + "/log/" + String(repeating: "0", count: 19) + "6")
            let outcome = try read(vault, in: kura)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(
                outcome.output.split(separator: "\n").filter { $0.contains("bodies") }.count == 5)
            let other = vault.dropLast() + "0"
            try FileManager.default.moveItem(atPath: vault, toPath: String(other))
            #expect(try read(String(other), in: kura).code == 1)
        }
    }

    @Test("takes a segment before what stands in the log, and both may be read together")
    func segments() throws {
        try Kura.inDirectory { kura in
            let log = kura.directory.appending("log").string
            let generate = Self.vectors.appendingPathComponent("generate").path
            let made = try kura.shell(
                """
                python3 -c 'import cryptography' || { echo none; exit 0; }
                '\(generate)' --check && '\(generate)' --log 1026 '\(log)'
                """)
            // Without the module nothing can be signed; the vectors are checked all the same.
            if made.output.hasPrefix("none") { return }
            #expect(made.code == 0, "\(made.error)")
            // Beside the segment stands a record 5 that lost, with a right signature.
            let outcome = try read(log + "/" + Self.vault, in: kura)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("\n1026 "))
        }
    }
}
