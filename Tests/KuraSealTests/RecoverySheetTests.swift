import KuraFormat
import KuraSeal
import TestSupport
import Testing

@Suite("Recovery sheets") struct RecoverySheetTests {
    static func sheet(_ seed: UInt8 = 7) throws -> (sheet: RecoverySheet, lines: [String]) {
        let key = try SigningKey(seed: (0..<32).map { $0 &* 37 &+ seed })
        let sheet = RecoverySheet(vault: UniqueID(high: 0x1234, low: 0xabcd), key: key)
        let printed = sheet.printed(name: "default", usage: ["Run the program."])
        let lines = printed.split(separator: "\n").map(String.init).filter {
            $0.hasPrefix("    ")
        }
        return (sheet, lines.map { String($0.dropFirst(8)) })
    }

    static func fault(_ typed: String) -> SheetFault? {
        do {
            _ = try RecoverySheet(typed: typed)
            return nil
        } catch .sheet(let fault) {
            return fault
        } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test("are 80 columns of ASCII, whatever the vault is called")
    func printed() throws {
        let names = [
            "default", "Büro\u{202e}\n1 evil", String(repeating: "long name 1 ", count: 21),
        ]
        for name in names {
            let sheet = try Self.sheet().sheet
            let text = sheet.printed(name: name, usage: [String(repeating: "words ", count: 50)])
            #expect(text.utf8.allSatisfy { $0 == 10 || (32..<127).contains($0) })
            #expect(text.split(separator: "\n").allSatisfy { $0.count <= RecoverySheet.columns })
            let read = try RecoverySheet(typed: text)
            #expect(read.key.publicKey == sheet.key.publicKey)
            #expect(read.vault == sheet.vault)
            #expect(read.fingerprint == sheet.fingerprint)
        }
    }

    @Test("are read with other case, spaces, hyphens, O, I and L, with and without numbers")
    func typed() throws {
        let (sheet, lines) = try Self.sheet()
        let numbered = lines.enumerated().map { "\($0 + 1). \($1)" }
        let confused = lines.map { line in
            String(line.lowercased().map { $0 == "0" ? "o" : $0 == "1" ? "I" : $0 })
        }
        let texts = [
            numbered.joined(separator: "\n"),
            numbered.reversed().joined(separator: "\r\n\r\n"),
            lines.joined(separator: "\n"),
            lines.joined(separator: " "),
            lines.joined().replacing(" ", with: ""),
            lines.map { $0.replacing(" ", with: "-") }.joined(separator: "\n"),
            lines.map { $0.replacing(" ", with: "") }.joined(separator: "\n\t"),
            confused.joined(separator: "\n"),
            "l \(confused[0])\n2 \(confused[1])\n3: \(confused[2])\n4) \(confused[3])",
        ]
        for text in texts {
            let read = try RecoverySheet(typed: text)
            #expect(read.key.publicKey == sheet.key.publicKey)
            #expect(read.vault == nil)
        }
    }

    @Test("name the line of every mistyped character, and mostly its group")
    func mistyped() throws {
        let (_, lines) = try Self.sheet()
        var groups = (right: 0, none: 0)
        for number in [0, 3] {
            let characters = Array(lines[number])
            for position in characters.indices where characters[position] != " " {
                var changed = characters
                changed[position] = characters[position] == "Z" ? "Y" : "Z"
                var typed = lines
                typed[number] = String(changed)
                guard
                    case .lineCheck(let line, let group) = Self.fault(
                        typed.joined(separator: "\n"))
                else {
                    Issue.record("line \(number + 1) was read: \(String(changed))")
                    continue
                }
                #expect(line == number + 1)
                if group == position / 5 + 1 { groups.right += 1 } else { groups.none += 1 }
            }
        }
        #expect(groups.right > 3 * groups.none)
    }

    @Test("name neighbours that changed places, missing and superfluous characters and lines")
    func named() throws {
        let (_, lines) = try Self.sheet()
        let numbered = lines.enumerated().map { "\($0 + 1) \($1)" }
        func fault(_ change: (inout [String]) -> Void) -> SheetFault? {
            var typed = numbered
            change(&typed)
            return Self.fault(typed.joined(separator: "\n"))
        }
        #expect(fault { $0.remove(at: 2) } == .lineMissing(3))
        #expect(fault { $0.append($0[1]) } == .lineTwice(2))
        #expect(
            fault { $0[1].removeLast() } == .lineLength(line: 2, count: 15, group: 4))
        #expect(
            fault { $0[1].insert("7", at: $0[1].index($0[1].startIndex, offsetBy: 3)) }
                == .lineLength(line: 2, count: 17, group: 1))
        #expect(
            fault { $0[3].replaceSubrange($0[3].indices.last!..., with: "U") }
                == .character(line: 4, group: 4, "U"))
        #expect(
            fault { $0[0] = "1 ü" + $0[0].dropFirst(3) } == .character(line: 1, group: 1, "ü"))
        #expect(
            fault {
                $0[0] = "1 \(lines[1])"
                $0[1] = "2 \(lines[0])"
            } == .lineIsOther(line: 1, other: 2))
        #expect(Self.fault("") == .lineMissing(1))
        #expect(Self.fault("ABCD") == .seedLength(4))
        #expect(Self.fault(String(repeating: "A", count: 1 << 20)) == .tooLong)
    }

    @Test("are refused when the fingerprint or the id is of another sheet or mistyped")
    func identity() throws {
        let (_, lines) = try Self.sheet()
        let (other, _) = try Self.sheet(8)
        let text = lines.joined(separator: "\n")
        let fingerprint = Fingerprint(of: other.key.publicKey).description
        func withNumbers(_ first: String) -> String {
            first + "\n" + lines.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: "\n")
        }
        try #require(Self.fault(text) == nil)
        #expect(Self.fault(withNumbers("Fingerprint \(fingerprint)")) == .otherKey)
        #expect(Self.fault(withNumbers("Fingerprint \(fingerprint.dropLast())")) == .fingerprint)
        #expect(Self.fault(withNumbers("Id 1234")) == .vault)
    }

    @Test("give single lines, for a prompt")
    func lines() throws {
        let (sheet, lines) = try Self.sheet()
        var seed: [UInt8] = []
        for (index, line) in lines.enumerated() {
            seed += try RecoverySheet.seedBytes(typed: line, line: index + 1)
        }
        #expect(seed == sheet.key.withSeed { Array($0) })
        #expect(throws: SealError.sheet(.lineIsOther(line: 2, other: 1))) {
            _ = try RecoverySheet.seedBytes(typed: lines[0], line: 2)
        }
    }

    @Test("of random text are refused and do not trap")
    func random() throws {
        let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZUoil -\n\u{301}ü1234")
        try forAll(cases: 300) { _, generator in
            let count = Int.random(in: 0...200, using: &generator)
            let typed = (0..<count).map { _ in alphabet.randomElement(using: &generator)! }
            #expect(throws: SealError.self) { _ = try RecoverySheet(typed: String(typed)) }
        }
    }
}
