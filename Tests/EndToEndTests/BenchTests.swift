import Foundation
import SystemPackage
import Testing

/// What the benchmarks do, not how long it takes.
@Suite("Bench") struct BenchTests {
    private static let primitives: Set = [
        "memory_read", "page_cache_read", "direct_read", "zero_scan", "chunker", "sha256_one_lane",
        "sha256_many_lanes", "mac", "zstd", "decode_after_encode", "unzstd", "write_processor",
        "write_one_copy", "write_all_copies",
    ]

    private static func folderNames(_ kura: Kura) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: kura.directory.string)
            .filter { $0.hasPrefix("kura-bench") }
    }

    @Test("bench limits tells every primitive and cleans up")
    func limits() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 5_000_001)
            let run = try kura.run(
                "bench", "limits", disk, "--rounds", "1", "--copies", "2", "--threads", "2",
                "--json")
            #expect(run.code == 0, "\(run.error)")
            let report = try run.json()
            let primitives = try #require(report["primitives"] as? [String: [String: Any]])
            #expect(Set(primitives.keys) == Self.primitives)
            for (name, rate) in primitives {
                #expect(
                    Set(rate.keys)
                        == ["one_thread_bytes_per_second", "all_threads_bytes_per_second"])
                // Which of these there are depends on the file system and on libcrypto.
                if ["direct_read", "mac"].contains(name) { continue }
                let values = rate.values.compactMap { $0 as? Double }
                #expect(!values.isEmpty && values.allSatisfy { $0 > 0 }, "\(name)")
            }
            #expect(report["threads"] as? Int == 2)
            let data = try #require(report["data_bytes"] as? Int)
            #expect(data > 0 && data <= (report["sample_bytes"] as? Int) ?? 0)
            #expect((report["stored_bytes"] as? Int).map { $0 > 0 && $0 <= data } == true)
            #expect(try Self.folderNames(kura).isEmpty)
        }
    }

    @Test("bench backup compares every step with its limit and cleans up")
    func backup() throws {
        try Kura.withoutHome { kura in
            let disk = try kura.disk("d.img", byteCount: 5_000_001)
            let run = try kura.run(
                "bench", "backup", disk, "--rounds", "1", "--copies", "2", "--json")
            #expect(run.code == 0, "\(run.error)")
            let report = try run.json()
            #expect(report["copies"] as? Int == 2)
            let steps = try #require(report["steps"] as? [[String: Any]])
            #expect(
                steps.map { $0["step"] as? String } == [
                    "first", "unchanged", "scattered", "restore", "verify_packs",
                    "verify_chunks",
                ])
            for step in steps {
                let name = step["step"] as? String ?? ""
                let limit = try #require(step["limit"] as? [String: Any])
                let (seconds, least) = (
                    try #require(step["seconds"] as? Double),
                    try #require(limit["seconds"] as? Double)
                )
                let ratio = try #require(step["ratio"] as? Double)
                #expect(seconds > 0 && least > 0 && abs(ratio - least / seconds) < 1e-9, "\(name)")
                let terms = try #require(limit["processor_terms"] as? [[String: Any]])
                let names = Set(terms.compactMap { $0["primitive"] as? String })
                #expect(names.isSubset(of: Self.primitives))
                // A re-read that finds nothing new compresses nothing.
                #expect(names.contains("zstd") == ["first", "scattered"].contains(name), "\(name)")
                let processor = try #require(limit["processor_seconds"] as? Double)
                let sum = terms.compactMap { $0["seconds"] as? Double }.reduce(0, +)
                #expect(abs(processor - sum) < 1e-9, "\(name)")
            }
            #expect(try Self.folderNames(kura).isEmpty)
            #expect(!FileManager.default.fileExists(atPath: kura.home))
        }
    }

    @Test("An image without data has no limit, and is no error")
    func holes() throws {
        try Kura.inDirectory { kura in
            let outcome = try kura.shell(
                "truncate -s 1M holes.img && kura bench backup holes.img --rounds 1 --json")
            #expect(outcome.code == 0, "\(outcome.error)")
            let steps = try #require(outcome.json()["steps"] as? [[String: Any]])
            #expect(steps.count == 6)
            #expect(steps[0]["bytes"] as? Int == 0)
        }
    }

    private static let wrongInputs: [([String], Int32)] = [
        (["bench", "backup", "missing.img"], 1), (["bench", "backup"], 64),
        (["bench", "limits", "d.img", "--copies", "4"], 64),
        (["bench", "limits", "d.img", "--rounds", "0"], 64),
        (["bench", "backup", "d.img", "--threads", "0"], 64),
        (["bench", "backup", "d.img", "--directory", "nowhere"], 1),
        (["bench", "limits", "."], 1),
    ]

    @Test(
        "Wrong input is refused with its exit code, before anything is written",
        arguments: wrongInputs)
    func wrongInput(arguments: [String], code: Int32) throws {
        try Kura.inDirectory { kura in
            _ = try kura.disk("d.img", byteCount: 100_000)
            let words = arguments.map { "'\($0)'" }.joined(separator: " ")
            let outcome = try kura.shell("kura \(words)")
            #expect(outcome.code == code, "\(outcome.error)")
            #expect(outcome.error.hasPrefix("kura: error: "))
            #expect(try Self.folderNames(kura).isEmpty)
        }
    }
}
