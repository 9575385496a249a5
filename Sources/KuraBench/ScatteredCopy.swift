internal import KuraFormat
package import KuraIO
internal import KuraStore
package import SystemPackage

/// An image with some of its blocks overwritten, as a day of scattered writes leaves it.
package enum ScatteredCopy {
    /// Copies the data of an image, holes left alone, and flushes the copy.
    /// - Parameters:
    ///   - share: of the 4 KiB blocks with data, those that get random bytes: 0...1.
    package static func make(of path: FilePath, at copy: FilePath, share: Double) throws(KuraError)
    {
        let source = try FileSource(path)
        let target = try SinkPath(copy).open(byteCount: source.byteCount)
        do throws(KuraError) {
            try write(source, to: target, share: share)
            try target.finish()
        } catch {
            target.abandon()
            throw error
        }
    }

    private static func write(
        _ source: FileSource, to target: any DiskSink, share: Double
    ) throws(KuraError) {
        let block = Limits.blockBytes
        let buffer = AlignedBuffer(byteCount: Tuning.windowBytes)
        // Always the same blocks and the same bytes, so that runs can be compared.
        var random = SplitMix(state: 0x6b75_7261)
        for range in try source.dataRanges() {
            var offset = range.lowerBound
            while offset < range.upperBound {
                let count = Int(min(range.upperBound - offset, UInt64(buffer.byteCount)))
                let window = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
                let found = try source.read(at: offset, into: window)
                for start in stride(from: 0, to: found / block * block, by: block)
                where Double.random(in: 0..<1, using: &random) < share {
                    for word in stride(from: start, to: start + block, by: 8) {
                        window.storeBytes(of: random.next(), toByteOffset: word, as: UInt64.self)
                    }
                }
                try target.write(
                    at: offset, UnsafeRawBufferPointer(rebasing: buffer.bytes[..<found]))
                offset += UInt64(count)
            }
        }
    }
}

/// Vigna's generator: small, and good enough for bytes that do not compress.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value &>> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value &>> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value &>> 31
    }
}
