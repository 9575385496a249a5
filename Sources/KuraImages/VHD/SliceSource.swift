internal import KuraIO

/// A stretch of a file as a disk of its own: the disk in a VHD of fixed size, or a member of an
/// archive.
final class SliceSource: DiskSource {
    let name: String
    let file: any DiskSource
    let range: Range<UInt64>

    /// - Parameter range: within the file.
    init(_ file: any DiskSource, _ range: Range<UInt64>, name: String? = nil) {
        self.file = file
        self.range = range
        self.name = name ?? file.name
    }

    var knownByteCount: UInt64? { range.upperBound - range.lowerBound }

    func nextData(in wanted: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        let start = wanted.lowerBound + range.lowerBound
        let end = wanted.upperBound + range.lowerBound
        let part = (start..<end).clamped(to: range)
        guard !part.isEmpty, let data = try file.nextData(in: part) else { return nil }
        return (data.lowerBound - range.lowerBound)..<(data.upperBound - range.lowerBound)
    }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        let start = range.lowerBound + offset
        guard start < range.upperBound else { return 0 }
        let count = min(UInt64(target.count), range.upperBound - start)
        return try file.read(
            at: start, into: UnsafeMutableRawBufferPointer(rebasing: target[..<Int(count)]))
    }

    func isWrittenByMachine() -> Bool { file.isWrittenByMachine() }
    func hasChanged() throws(KuraError) -> Bool { try file.hasChanged() }
}
