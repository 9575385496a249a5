internal import Glibc
internal import KuraIO

/// The disk in a VHD that has only the blocks which were written to, or which differ from those of
/// its base.
final class BlockVHDSource: DiskSource {
    let file: any DiskSource
    private let byteCount: UInt64
    private let blockByteCount: UInt64
    /// Of the map of its sectors, before the bytes of each block.
    private let mapByteCount: UInt64
    /// Where each block begins, in sectors; `absent` where there is none.
    private let blocks: [UInt32]
    /// What an absent sector is read from; nil for zeros.
    private let base: (any DiskSource)?

    private static let absent = UInt32.max
    private static let sectorBytes: UInt64 = 512

    /// - Parameter base: of a differencing disk; its identity is the one that the header names.
    init(
        _ file: any DiskSource, _ header: VHDHeader, at table: VHDHeader.Table,
        base: (any DiskSource)?
    ) throws(KuraError) {
        let image = try ImageFile(file, .vhd)
        self.file = file
        self.base = base
        byteCount = header.diskByteCount
        blockByteCount = table.blockByteCount
        let map = blockByteCount / Self.sectorBytes / 8
        mapByteCount = (map + Self.sectorBytes - 1) / Self.sectorBytes * Self.sectorBytes
        let bytes = try image.bytes(at: table.offset, table.entryCount * 4).bytes
        var blocks: [UInt32] = []
        blocks.reserveCapacity(table.entryCount)
        for index in 0..<table.entryCount {
            let entry = bytes[(index * 4)..<(index * 4 + 4)].reduce(UInt32(0)) {
                $0 << 8 | UInt32($1)
            }
            if entry != Self.absent {
                let needed =
                    min(
                        blockByteCount, byteCount - UInt64(index) * blockByteCount) + mapByteCount
                let start = UInt64(entry) * Self.sectorBytes
                guard start <= image.byteCount, needed <= image.byteCount - start else {
                    throw image.malformed("block \(index) is beyond its end")
                }
            }
            blocks.append(entry)
        }
        self.blocks = blocks
    }

    var name: String { file.name }
    var knownByteCount: UInt64? { byteCount }

    func isWrittenByMachine() -> Bool {
        file.isWrittenByMachine() || base?.isWrittenByMachine() ?? false
    }

    func hasChanged() throws(KuraError) -> Bool {
        if try file.hasChanged() { return true }
        return try base?.hasChanged() ?? false
    }

    func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        var start = range.lowerBound
        let end = min(range.upperBound, byteCount)
        while start < end {
            let number = start / blockByteCount
            let blockEnd = min((number + 1) * blockByteCount, end)
            if blocks[Int(number)] != Self.absent {
                var last = number
                while (last + 1) * blockByteCount < end, blocks[Int(last) + 1] != Self.absent {
                    last += 1
                }
                return start..<min((last + 1) * blockByteCount, end)
            }
            if let data = try base?.nextData(in: start..<blockEnd) { return data }
            start = blockEnd
        }
        return nil
    }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        guard offset < byteCount else { return 0 }
        let count = Int(min(UInt64(target.count), byteCount - offset))
        var done = 0
        while done < count {
            let place = offset + UInt64(done)
            let within = place % blockByteCount
            let part = Int(min(UInt64(count - done), blockByteCount - within))
            try readBlock(
                Int(place / blockByteCount), at: within,
                into: UnsafeMutableRawBufferPointer(rebasing: target[done..<(done + part)]))
            done += part
        }
        return count
    }

    private func readBlock(
        _ number: Int, at within: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) {
        let place = UInt64(number) * blockByteCount + within
        guard blocks[number] != Self.absent else { return try readBase(at: place, into: target) }
        let start = UInt64(blocks[number]) * Self.sectorBytes
        guard base != nil else {
            // Sectors that were never written are zeros in the file, too.
            return try fill(target, from: file, at: start + mapByteCount + within)
        }
        let map = try file.bytes(at: start, Int(mapByteCount))
        var done = 0
        while done < target.count {
            let sector = (within + UInt64(done)) / Self.sectorBytes
            let isHere = Self.isSet(sector, in: map)
            var next = sector + 1
            let last = (within + UInt64(target.count) - 1) / Self.sectorBytes
            while next <= last, Self.isSet(next, in: map) == isHere { next += 1 }
            let end = min(Int(next * Self.sectorBytes - within), target.count)
            let part = UnsafeMutableRawBufferPointer(rebasing: target[done..<end])
            if isHere {
                try fill(part, from: file, at: start + mapByteCount + within + UInt64(done))
            } else {
                try readBase(at: place + UInt64(done), into: part)
            }
            done = end
        }
    }

    private static func isSet(_ sector: UInt64, in map: [UInt8]) -> Bool {
        let index = Int(sector / 8)
        return index < map.count && map[index] & (0x80 >> UInt8(sector % 8)) != 0
    }

    private func readBase(
        at place: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) {
        guard let base else {
            target.initializeMemory(as: UInt8.self, repeating: 0)
            return
        }
        try fill(target, from: base, at: place)
    }

    /// What lies behind the end reads as zeros: a base may be shorter.
    private func fill(
        _ target: UnsafeMutableRawBufferPointer, from source: any DiskSource, at place: UInt64
    ) throws(KuraError) {
        let found = try source.read(at: place, into: target)
        if found < target.count {
            UnsafeMutableRawBufferPointer(rebasing: target[found...])
                .initializeMemory(as: UInt8.self, repeating: 0)
        }
    }
}
