import KuraFormat
import Testing

/// Expects that `decode` throws for every prefix of `bytes`, and for `bytes` with one byte more.
func expectLengthsRejected(
    _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation,
    _ decode: ([UInt8]) throws(FormatError) -> Void
) throws {
    try decode(bytes)
    for count in bytes.indices {
        expectRejected(Array(bytes[..<count]), "cut to \(count) bytes", sourceLocation, decode)
    }
    expectRejected(bytes + [0], "one byte longer", sourceLocation, decode)
}

/// Expects that `decode` throws for `bytes` with any one of its bits flipped.
/// - Parameter everyBit: false: one bit of each byte, for what takes long to decode.
func expectChangesRejected(
    _ bytes: [UInt8], everyBit: Bool = true, sourceLocation: SourceLocation = #_sourceLocation,
    _ decode: ([UInt8]) throws(FormatError) -> Void
) throws {
    try decode(bytes)
    forEachBitFlip(of: bytes, everyBit: everyBit) { changed, place in
        expectRejected(changed, place(), sourceLocation, decode)
    }
}

/// Expects that no bit of `bytes` is ignored: with one flipped, decoding throws, or gives a value
/// whose encoding is those very bytes.
/// - Parameter everyBit: false: one bit of each byte, for what takes long to decode.
func expectNothingIgnored(
    _ bytes: [UInt8], everyBit: Bool = true, sourceLocation: SourceLocation = #_sourceLocation,
    _ recode: ([UInt8]) throws(FormatError) -> [UInt8]
) throws {
    let again = try recode(bytes)
    #expect(again == bytes, sourceLocation: sourceLocation)
    forEachBitFlip(of: bytes, everyBit: everyBit) { changed, place in
        do throws(FormatError) {
            guard try recode(changed) != changed else { return }
            Issue.record("ignored: \(place())", sourceLocation: sourceLocation)
        } catch {
            // Refused, which is as good.
        }
    }
}

private func forEachBitFlip(
    of bytes: [UInt8], everyBit: Bool = true, _ body: ([UInt8], () -> String) -> Void
) {
    var changed = bytes
    for index in bytes.indices {
        for bit in 0..<8 where everyBit || bit == index % 8 {
            changed[index] = bytes[index] ^ 1 << UInt8(bit)
            body(changed) { "bit \(bit) of byte \(index)" }
        }
        changed[index] = bytes[index]
    }
}

private func expectRejected(
    _ bytes: [UInt8], _ what: @autoclosure () -> String, _ sourceLocation: SourceLocation,
    _ decode: ([UInt8]) throws(FormatError) -> Void
) {
    do throws(FormatError) {
        try decode(bytes)
        Issue.record("accepted: \(what())", sourceLocation: sourceLocation)
    } catch {
        // What the caller expects.
    }
}

/// A record with another body, sealed anew: what a hostile writer could make.
func resealed(_ record: [UInt8], body change: (inout [UInt8]) -> Void) -> [UInt8] {
    var body = Array(record[16..<(record.count - Digest.byteCount)])
    change(&body)
    var writer = ByteWriter()
    writer.append(Array(record[..<12]))
    writer.integer(UInt32(body.count))
    writer.append(body)
    writer.digest(SHA256.digest(writer.bytes))
    return writer.bytes
}

extension Array where Element == UInt8 {
    /// Calls `body` with these bytes; closures of `withUnsafeBytes` cannot throw typed errors.
    func decoded<T>(
        _ body: (UnsafeRawBufferPointer) throws(FormatError) -> T
    ) throws(FormatError) -> T {
        let result = withUnsafeBytes { raw -> Result<T, FormatError> in
            do throws(FormatError) {
                return .success(try body(raw))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    mutating func store(_ value: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: value.littleEndian) {
            replaceSubrange(offset..<(offset + $0.count), with: $0)
        }
    }
}
