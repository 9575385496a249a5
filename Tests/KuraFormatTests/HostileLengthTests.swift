import Glibc
import KuraFormat
import Testing

/// Decoding in a process that has hardly any memory left to ask for: to allocate by a count that
/// is not checked ends it.
@Suite("Hostile lengths") struct HostileLengthTests {
    @Test("of an index run are refused without believing them") func indexRun() async {
        await #expect(processExitsWith: .success) {
            let header = IndexRunHeader(vault: Example.vault, nonce: 0)
            var trailer = Array(header.encoded()[..<32])
            trailer += [UInt8](repeating: 0, count: 56)
            // One entry and one filter block, as many packs and superseded runs as can be said.
            trailer.store(UInt64(1), at: 32)
            trailer.store(UInt32(1), at: 48)
            HostileLengths.limitMemory()
            for (packs, superseded) in [(1 << 24, 0), (0, UInt32.max), (1 << 24, .max)] {
                trailer.store(UInt32(packs), at: 40)
                trailer.store(UInt32(superseded), at: 44)
                HostileLengths.expectRefused(trailer) { raw throws(FormatError) in
                    _ = try IndexRunTrailer(decoding: raw)
                }
            }
            // As many entries as a filter of 32 bits of blocks can have.
            trailer.store(UInt64(UInt32.max) * 42, at: 32)
            trailer.store(UInt32((UInt64(UInt32.max) * 42 * 12 + 511) / 512), at: 48)
            HostileLengths.expectRefused(trailer) { raw throws(FormatError) in
                _ = try IndexRunTrailer(decoding: raw)
            }
        }
    }

    @Test("of a pack are refused without believing them") func pack() async {
        await #expect(processExitsWith: .success) {
            var trailer = PackHeader(kind: .data, vault: Example.vault, nonce: 0).encoded()
            trailer += [UInt8](repeating: 0, count: 8)
            HostileLengths.limitMemory()
            for (frames, chunks) in [(1 << 16, 0), (0, 1 << 20), (UInt32.max, UInt32.max)] {
                trailer.store(UInt32(frames), at: 32)
                trailer.store(UInt32(chunks), at: 36)
                HostileLengths.expectRefused(trailer) { raw throws(FormatError) in
                    _ = try PackTrailer(decoding: raw)
                }
            }
        }
    }

    @Test("of records and nodes are refused without believing them") func small() async {
        await #expect(processExitsWith: .success) {
            var node = Array(Example.leaf.encoded()[..<16])
            node.store(UInt16.max, at: 10)
            var record = SealedRecord.encode(.session, body: [])
            record.store(UInt32.max, at: 12)
            let point = resealed(Example.point.encoded()) { body in
                // Lists and texts of 65 535 each, as far as they are looked at.
                body.replaceSubrange(16..<body.count, with: [UInt8](repeating: 0xff, count: 64))
            }
            HostileLengths.limitMemory()
            HostileLengths.expectRefused(node) { raw throws(FormatError) in
                _ = try ManifestNode(decoding: raw, level: 0)
            }
            HostileLengths.expectRefused(node) { raw throws(FormatError) in
                _ = try ManifestNode.encodedByteCount(raw)
            }
            for bytes in [record, point] {
                HostileLengths.expectRefused([]) { _ throws(FormatError) in
                    _ = try SessionRecord.decode(bytes)
                }
                HostileLengths.expectRefused([]) { _ throws(FormatError) in
                    _ = try RecoveryPoint.decode(bytes)
                }
            }
        }
    }
}

enum HostileLengths {
    /// Room that a decoder has on top of what the process uses already.
    private static let roomBytes: UInt = 24 << 20

    /// Lets this process have only `roomBytes` more of address space.
    static func limitMemory() {
        // The first number of statm is the size of the address space in pages.
        guard let file = fopen("/proc/self/statm", "r") else { fatalError("no /proc") }
        var line = [CChar](repeating: 0, count: 128)
        let length = fread(&line, 1, line.count - 1, file)
        fclose(file)
        let digits = line[..<length].prefix { $0 != 32 }.map { UInt8(bitPattern: $0) }
        guard let pages = UInt(String(decoding: digits, as: UTF8.self)) else {
            fatalError("cannot read the size of the address space")
        }
        let bytes = pages * UInt(sysconf(Int32(_SC_PAGESIZE))) + roomBytes
        var limit = rlimit(rlim_cur: rlim_t(bytes), rlim_max: rlim_t(bytes))
        guard setrlimit(Int32(RLIMIT_AS.rawValue), &limit) == 0 else {
            fatalError("cannot limit memory")
        }
    }

    static func expectRefused(
        _ bytes: [UInt8], _ decode: (UnsafeRawBufferPointer) throws(FormatError) -> Void
    ) {
        do throws(FormatError) {
            try bytes.decoded(decode)
        } catch {
            return
        }
        fatalError("accepted")
    }
}
