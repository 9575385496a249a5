public import KuraIO
public import SystemPackage

/// Content to measure with where no image is given. Real disks differ: zstd and the chunker
/// depend on what they are given.
public enum SyntheticImage {
    public static let byteCount: UInt64 = 256 << 20
    /// What it is, for people.
    public static let summary = "words, records and noise by turns of 64 KiB"

    private static let turnBytes = 64 << 10

    /// Writes the same bytes every time.
    public static func write(
        to path: FilePath, byteCount: UInt64 = byteCount
    ) throws(KuraError) {
        let target = try SinkPath(path).open(byteCount: byteCount)
        do throws(KuraError) {
            let buffer = AlignedBuffer(byteCount: 3 * turnBytes)
            var random = SplitMix(state: 1)
            let words = (0..<64).map { _ in random.next() | 0x2020_2020_2020_2020 }
            var offset: UInt64 = 0
            while offset < byteCount {
                fill(buffer, words, by: &random)
                let count = Int(min(byteCount - offset, UInt64(buffer.byteCount)))
                try target.write(
                    at: offset, UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
                offset += UInt64(count)
            }
            try target.finish()
        } catch {
            target.abandon()
            throw error
        }
    }

    private static func fill(
        _ buffer: AlignedBuffer, _ words: [UInt64], by random: inout SplitMix
    ) {
        var record: UInt64 = 0
        for offset in stride(from: 0, to: buffer.byteCount, by: 8) {
            let value: UInt64 =
                switch (offset / turnBytes, offset / 8 % 4) {
                case (0, _): words[Int(random.next() & 63)]
                case (1, 0): record
                case (1, 1): random.next() & 0xffff_ffff
                case (1, _): 0x2020_2020_2020_2020
                default: random.next()
                }
            record += 1
            buffer.base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
        }
    }
}
