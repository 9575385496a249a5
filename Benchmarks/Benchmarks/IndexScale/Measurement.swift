import Foundation
import KuraBench
import KuraFormat
import KuraStore
import SystemPackage

/// What an index of some size costs its reader. Made in a process of its own, so that its memory is
/// that of the index.
struct Measurement: Codable {
    var runs = 0
    var openMilliseconds = 0.0
    var coldOpenMilliseconds = 0.0
    /// Resident memory that the open index adds, and the most while it is opened.
    var residentMiB = 0.0
    var peakMiB = 0.0
    var missNanoseconds = 0.0
    var readsPerMiss = 0.0
    var hitNanoseconds = 0.0
    var readsPerHit = 0.0
    var coldHitNanoseconds = 0.0

    private static let missCount = 1_000_000
    private static let hitCount = 200_000
    private static let coldHitCount = 5_000
    /// Numbers that no chunk has.
    private static let absent: UInt64 = 1 << 40

    /// Runs this tool again, and takes what it measures.
    static func inChild(_ place: VaultDirectory, chunks: UInt64) throws -> Measurement {
        let child = Process()
        let output = Pipe()
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = ["--measure", place.path.string, "--chunks", "\(chunks)"]
        child.standardOutput = output
        try child.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        child.waitUntilExit()
        return try JSONDecoder().decode(Measurement.self, from: data)
    }

    static func make(_ place: VaultDirectory, chunks: UInt64) throws -> Measurement {
        var found = Measurement()
        let index = SyntheticIndex(try place.open())
        try forget(place)
        let before = memory("VmRSS")
        found.coldOpenMilliseconds = try time { _ = try index.open() }.milliseconds
        try warm(place)
        var opened: OpenedIndex?
        found.openMilliseconds = try time { opened = try index.open() }.milliseconds
        guard let opened else { return found }
        found.residentMiB = memory("VmRSS") - before
        found.peakMiB = memory("VmHWM") - before
        found.runs = opened.runCount

        var random = SystemRandomNumberGenerator()
        let missing = (0..<missCount).map { SyntheticIndex.name(of: absent + UInt64($0)) }
        var reads = opened.readCount
        let missTime = try time {
            for id in missing where try opened.contains(id) { throw Unexpected.hit }
        }
        found.missNanoseconds = missTime.milliseconds * 1e6 / Double(missCount)
        found.readsPerMiss = Double(opened.readCount - reads) / Double(missCount)

        func known(_ count: Int) -> [ChunkID] {
            (0..<count).map { _ in
                SyntheticIndex.name(of: UInt64.random(in: 0..<chunks, using: &random))
            }
        }
        let hits = known(hitCount)
        reads = opened.readCount
        let hitTime = try time { try find(hits, opened) }
        found.hitNanoseconds = hitTime.milliseconds * 1e6 / Double(hitCount)
        found.readsPerHit = Double(opened.readCount - reads) / Double(hitCount)

        let coldHits = known(coldHitCount)
        try forget(place)
        let coldTime = try time { try find(coldHits, opened) }
        found.coldHitNanoseconds = coldTime.milliseconds * 1e6 / Double(coldHitCount)
        return found
    }

    private enum Unexpected: Error { case hit, miss }

    private static func find(_ ids: [ChunkID], _ index: OpenedIndex) throws {
        for id in ids where try !index.contains(id) { throw Unexpected.miss }
    }

    private static func time(_ body: () throws -> Void) rethrows -> Duration {
        try ContinuousClock().measure(body)
    }

    /// Takes the index out of the page cache.
    private static func forget(_ place: VaultDirectory) throws {
        for path in try place.runFiles() {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            posix_fadvise(file.fileDescriptor, 0, 0, POSIX_FADV_DONTNEED)
            try file.close()
        }
    }

    /// Brings the index into the page cache.
    private static func warm(_ place: VaultDirectory) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        for path in try place.runFiles() {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            while read(file.fileDescriptor, buffer.baseAddress, buffer.count) > 0 {}
            try file.close()
        }
    }

    /// A line of /proc/self/status, in MiB.
    static func memory(_ name: String) -> Double {
        let status = FileManager.default.contents(atPath: "/proc/self/status")
        for line in String(decoding: status ?? Data(), as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("\(name):") {
            let digits = line.filter(\.isNumber)
            return (Double(digits) ?? 0) / 1024
        }
        return 0
    }
}
