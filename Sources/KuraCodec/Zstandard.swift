internal import CZstd

/// Why libzstd refused bytes, in its own words.
public struct ZstandardError: Error, Equatable, Sendable, CustomStringConvertible {
    public var reason: String
    public var description: String { "zstd: \(reason)" }
}

/// Compresses frames. Owns one context, so it belongs to one thread at a time.
public struct Compressor: ~Copyable {
    private let context: OpaquePointer

    /// - Parameter level: a level of zstd, `Compressor.levels`.
    public init(level: Int) {
        precondition(Self.levels ~= level)
        // Fails only without memory, which Swift treats as fatal everywhere.
        context = ZSTD_createCCtx()!
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0)
    }

    deinit { ZSTD_freeCCtx(context) }

    /// What `--level` takes.
    public static let levels = 1...19

    /// Room that the stored form of `count` plain bytes may need at most.
    public static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

    /// Compresses `plain` to one zstd frame that declares its content size.
    /// - Parameter target: at least `bound(plain.count)` bytes.
    /// - Returns: stored bytes.
    public borrowing func compress(
        _ plain: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) throws(ZstandardError) -> Int {
        let count = ZSTD_compress2(
            context, target.baseAddress, target.count, plain.baseAddress, plain.count)
        guard ZSTD_isError(count) == 0 else {
            throw ZstandardError(reason: String(cString: ZSTD_getErrorName(count)))
        }
        return count
    }
}

/// Decompresses frames. Owns one context, so it belongs to one thread at a time.
public struct Decompressor: ~Copyable {
    private let context: OpaquePointer
    /// What a frame of RFC 8878 begins with.
    private static let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]

    public init() { context = ZSTD_createDCtx()! }

    deinit { ZSTD_freeDCtx(context) }

    /// Decompresses one frame that must yield exactly `target.count` bytes. Its window does not
    /// matter: in one pass the library looks back into `target` and allocates nothing.
    public borrowing func decompress(
        _ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) throws(ZstandardError) {
        let declared = ZSTD_getFrameContentSize(stored.baseAddress, stored.count)
        guard declared == UInt64(target.count) else {
            throw ZstandardError(reason: "the frame does not declare \(target.count) bytes")
        }
        // Else the library would decode the formats before 1.0, too, and frames behind the first.
        guard stored.starts(with: Self.magic) else {
            throw ZstandardError(reason: "its first bytes are not those of a frame")
        }
        guard ZSTD_findFrameCompressedSize(stored.baseAddress, stored.count) == stored.count else {
            throw ZstandardError(reason: "the frame does not end where its bytes do")
        }
        let count = ZSTD_decompressDCtx(
            context, target.baseAddress, target.count, stored.baseAddress, stored.count)
        guard ZSTD_isError(count) == 0 else {
            throw ZstandardError(reason: String(cString: ZSTD_getErrorName(count)))
        }
        guard count == target.count else {
            throw ZstandardError(reason: "\(count) bytes instead of \(target.count)")
        }
    }

    /// Decompresses the first `target.count` bytes of one frame, and no block behind them. Costs a
    /// copy more than `decompress`, so it is for less than most of a frame.
    public borrowing func decompressPrefix(
        _ stored: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) throws(ZstandardError) {
        ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        var input = ZSTD_inBuffer(src: stored.baseAddress, size: stored.count, pos: 0)
        var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        while output.pos < output.size {
            let (read, written) = (input.pos, output.pos)
            let hint = ZSTD_decompressStream(context, &output, &input)
            guard ZSTD_isError(hint) == 0 else {
                throw ZstandardError(reason: String(cString: ZSTD_getErrorName(hint)))
            }
            guard input.pos > read || output.pos > written, hint > 0 || output.pos == output.size
            else {
                throw ZstandardError(reason: "\(output.pos) bytes instead of \(target.count)")
            }
        }
    }

    /// Version of the library in use, such as "1.5.4".
    public static var libraryVersion: String { String(cString: ZSTD_versionString()) }
}
