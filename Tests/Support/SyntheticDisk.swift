import Glibc
public import SystemPackage

/// A disk image made from a seed that looks like a file system and not like noise.
///
/// A partition table and metadata come first. Then files of 1 byte to 2 MiB, each starting on a
/// 4 KiB block with zeros behind its end; some are copies of earlier ones, some compress well and
/// some do not. Between them lie holes, and the last eighth of the disk is empty.
/// The same seed and size give the same bytes everywhere; any size is possible.
public struct SyntheticDisk: Sendable {
    public private(set) var bytes: [UInt8]
    /// In ascending order of their place on the disk.
    public private(set) var files: [File] = []
    /// First byte behind partition table and metadata.
    private let filesStart: Int

    public static let blockBytes = 4096

    /// A file in one piece.
    public struct File: Equatable, Sendable {
        /// A multiple of the block size.
        public var offset: Int
        /// At least 1.
        public var byteCount: Int

        public var range: Range<Int> { offset..<(offset + byteCount) }
        /// Where the next file may start.
        var blocksEnd: Int { SyntheticDisk.blocksUp(offset + byteCount) }
    }

    /// What can happen to a disk.
    public enum Edit: CaseIterable, Sendable {
        /// Some 4 KiB blocks of a file get other bytes.
        case overwrite
        /// A file grows at its end.
        case append
        /// Bytes come in early in a file, so all that follows moves by an odd distance.
        case insert
        /// A file's blocks become zeros.
        case delete
        /// A new file in free space, or a copy of one that exists.
        case create
        /// The disk gets longer, by some free space and a file.
        case grow
    }

    public init(seed: UInt64, byteCount: Int) {
        precondition(byteCount >= 0)
        var generator = SeededGenerator(seed: seed)
        bytes = [UInt8](repeating: 0, count: byteCount)
        let metadataBlocks = min(16, 1 + byteCount / Self.blockBytes / 16)
        filesStart = min(metadataBlocks * Self.blockBytes, byteCount)
        makeMetadata(&generator)
        makeFiles(to: byteCount - byteCount / 8, &generator)
    }

    /// The disk after some seeded edits. Almost every edit changes something, but on a disk without
    /// files only `.create`, `.grow` and `.overwrite` can, and on one of no bytes only `.grow`.
    public func edited(
        seed: UInt64, edits: Int = 12, of kinds: [Edit] = Edit.allCases
    ) -> SyntheticDisk {
        var generator = SeededGenerator(seed: seed)
        var disk = self
        for _ in 0..<edits {
            if let kind = kinds.randomElement(using: &generator) { disk.apply(kind, &generator) }
        }
        return disk
    }

    /// Writes the image to a file, which is made or replaced.
    /// - Parameter sparse: whether blocks of zeros become holes.
    public func write(to path: FilePath, sparse: Bool) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.closeAfter {
            try file.resize(to: Int64(bytes.count))
            for range in sparse ? dataRanges() : [0..<bytes.count] {
                try bytes.withUnsafeBytes { raw in
                    _ = try file.writeAll(
                        toAbsoluteOffset: Int64(range.lowerBound),
                        UnsafeRawBufferPointer(rebasing: raw[range]))
                }
            }
        }
    }

    /// Stretches of blocks that are not all zero, in ascending order.
    public func dataRanges() -> [Range<Int>] {
        let zeros = [UInt8](repeating: 0, count: Self.blockBytes)
        var ranges: [Range<Int>] = []
        bytes.withUnsafeBytes { raw in
            for start in stride(from: 0, to: bytes.count, by: Self.blockBytes) {
                let end = min(start + Self.blockBytes, bytes.count)
                guard memcmp(raw.baseAddress! + start, zeros, end - start) != 0 else { continue }
                if let last = ranges.last, last.upperBound == start {
                    ranges[ranges.count - 1] = last.lowerBound..<end
                } else {
                    ranges.append(start..<end)
                }
            }
        }
        return ranges
    }
}

// MARK: - Making a disk

extension SyntheticDisk {
    static func blocksUp(_ offset: Int) -> Int {
        (offset + blockBytes - 1) / blockBytes * blockBytes
    }

    /// A protective boot record and a partition table in the first block, records in the others.
    private mutating func makeMetadata(_ generator: inout SeededGenerator) {
        var first = SyntheticContent.program.bytes(440, &generator)
        first += [UInt8](repeating: 0, count: Self.blockBytes - first.count)
        first.replaceSubrange(0..<3, with: [0xeb, 0x63, 0x90])
        first.replaceSubrange(446..<452, with: [0x00, 0x00, 0x02, 0x00, 0xee, 0xff])
        first.replaceSubrange(510..<512, with: [0x55, 0xaa])
        first.replaceSubrange(512..<520, with: Array("EFI PART".utf8))
        first.replaceSubrange(1024..<1072, with: generator.bytes(48))
        put(first.prefix(filesStart), at: 0)
        if filesStart > Self.blockBytes {
            let records = SyntheticContent.pages.bytes(filesStart - Self.blockBytes, &generator)
            put(records[...], at: Self.blockBytes)
        }
    }

    private mutating func makeFiles(to end: Int, _ generator: inout SeededGenerator) {
        var offset = Self.blocksUp(filesStart)
        while offset < end {
            if generator.next() % 6 == 0 {
                let hole = Self.size(max: 4 << 20, &generator)
                offset = Self.blocksUp(offset + min(hole, bytes.count / 16))
                continue
            }
            let content = newContent(&generator).prefix(end - offset)
            add(content, at: offset)
            offset = Self.blocksUp(offset + content.count)
        }
    }

    /// A size of up to `max`. Most are small, as in every file system.
    private static func size(max: Int, _ generator: inout SeededGenerator) -> Int {
        guard max > 1 else { return 1 }
        let bits = UInt64.bitWidth - UInt64(max).leadingZeroBitCount
        let exponents = Swift.min(6, bits - 1)..<bits
        let first = Int.random(in: exponents, using: &generator)
        let exponent = Swift.min(first, Int.random(in: exponents, using: &generator))
        return Swift.min(max, Int.random(in: (1 << exponent)..<(2 << exponent), using: &generator))
    }

    /// Bytes for a new file: one in five is a copy.
    private func newContent(_ generator: inout SeededGenerator) -> ArraySlice<UInt8> {
        if generator.next() % 5 == 0, let file = files.randomElement(using: &generator) {
            // A slice would make the next write copy the whole disk.
            return ArraySlice(Array(bytes[file.range]))
        }
        let count = Self.size(max: min(bytes.count / 8, 2 << 20), &generator)
        return freshBytes(count, &generator)
    }

    private func freshBytes(
        _ count: Int, _ generator: inout SeededGenerator
    ) -> ArraySlice<UInt8> {
        let kinds = SyntheticContent.allCases
        return kinds[Int(generator.next() % UInt64(kinds.count))].bytes(count, &generator)[...]
    }

    private mutating func put(_ content: ArraySlice<UInt8>, at offset: Int) {
        guard !content.isEmpty else { return }
        precondition(offset + content.count <= bytes.count)
        bytes.withUnsafeMutableBytes { target in
            content.withUnsafeBytes { source in
                _ = memcpy(target.baseAddress! + offset, source.baseAddress!, source.count)
            }
        }
    }

    /// Adds a file at a place that is free.
    private mutating func add(_ content: ArraySlice<UInt8>, at offset: Int) {
        guard !content.isEmpty else { return }
        put(content, at: offset)
        let place = files.firstIndex { $0.offset > offset } ?? files.count
        files.insert(File(offset: offset, byteCount: content.count), at: place)
    }
}

// MARK: - Editing a disk

extension SyntheticDisk {
    private mutating func apply(_ edit: Edit, _ generator: inout SeededGenerator) {
        let chosen = files.indices.randomElement(using: &generator)
        switch edit {
        case .overwrite:
            overwrite(chosen.map { files[$0] }, &generator)
        case .append:
            guard let chosen else { return }
            let count = Int.random(in: 1...(16 << 10), using: &generator)
            replace(chosen, with: bytes[files[chosen].range] + freshBytes(count, &generator))
        case .insert:
            guard let chosen else { return }
            let file = files[chosen]
            let place = file.offset + Int.random(in: 0...(file.byteCount / 4), using: &generator)
            let count = Int.random(in: 1...999, using: &generator)
            let head = bytes[file.offset..<place] + freshBytes(count, &generator)
            replace(chosen, with: head + bytes[place..<file.range.upperBound])
        case .delete:
            guard let chosen else { return }
            remove(chosen)
        case .create:
            let content = newContent(&generator)
            guard let gap = gap(of: content.count) else { return }
            add(content, at: gap)
        case .grow:
            grow(&generator)
        }
    }

    private mutating func overwrite(_ file: File?, _ generator: inout SeededGenerator) {
        // Without files, the metadata: free space stays zero, so that a later file has zeros behind
        // it.
        let range = file?.range ?? 0..<filesStart
        let blockCount = (range.count + Self.blockBytes - 1) / Self.blockBytes
        guard blockCount > 0 else { return }
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let block = Int.random(in: 0..<blockCount, using: &generator)
            let start = range.lowerBound + block * Self.blockBytes
            let count = min(Self.blockBytes, range.upperBound - start)
            put(freshBytes(count, &generator), at: start)
        }
    }

    private mutating func grow(_ generator: inout SeededGenerator) {
        let start = Self.blocksUp(bytes.count)
        let count = Int.random(in: 1...max(4096, bytes.count / 8), using: &generator)
        bytes += [UInt8](repeating: 0, count: start - bytes.count + count)
        add(freshBytes((count + 1) / 2, &generator), at: start)
    }

    private mutating func remove(_ index: Int) {
        let file = files.remove(at: index)
        put([UInt8](repeating: 0, count: file.byteCount)[...], at: file.offset)
    }

    /// Gives a file other bytes: in its place if they fit there, else elsewhere, else cut off.
    private mutating func replace(_ index: Int, with content: ArraySlice<UInt8>) {
        let offset = files[index].offset
        let next = index + 1 < files.count ? files[index + 1].offset : bytes.count
        remove(index)
        if content.count <= next - offset {
            add(content, at: offset)
        } else if let gap = gap(of: content.count) {
            add(content, at: gap)
        } else {
            add(content.prefix(next - offset), at: offset)
        }
    }

    /// The first free place for `count` bytes.
    private func gap(of count: Int) -> Int? {
        var start = Self.blocksUp(filesStart)
        for file in files {
            if file.offset - start >= count { return start }
            start = file.blocksEnd
        }
        return bytes.count - start >= count ? start : nil
    }
}
