import KuraFormat

/// Poly1305 by the book (RFC 8439, section 2.5): the twin that libcrypto's is compared with.
/// Numbers are five limbs of 26 bits, the lowest first.
enum PlainPoly1305 {
    private static let limbMask: UInt64 = 1 << 26 - 1

    static func code(of message: UnsafeRawBufferPointer, key: MACKey) -> ChunkMAC {
        var raw = [UInt8](repeating: 0, count: MACKey.byteCount)
        raw.withUnsafeMutableBytes { key.bytes.store(to: $0.baseAddress!) }
        for index in [3, 7, 11, 15] { raw[index] &= 15 }
        for index in [4, 8, 12] { raw[index] &= 252 }
        let factor = limbs(raw[0..<16], high: 0)
        var sum = [UInt64](repeating: 0, count: 5)
        for start in stride(from: 0, to: message.count, by: 16) {
            var block = Array(message[start..<min(start + 16, message.count)])
            let isWhole = block.count == 16
            if !isWhole { block.append(1) }
            block += Array(repeating: 0, count: 16 - block.count)
            let piece = limbs(block[...], high: isWhole ? 1 : 0)
            for index in 0..<5 { sum[index] += piece[index] }
            sum = product(sum, factor)
        }
        return finish(sum, pad: limbs(raw[16..<32], high: 0))
    }

    private static func limbs(_ bytes: ArraySlice<UInt8>, high: UInt64) -> [UInt64] {
        var limbs = [UInt64](repeating: 0, count: 5)
        for (position, byte) in bytes.enumerated() {
            for bit in 0..<8 where byte >> bit & 1 == 1 {
                let place = position * 8 + bit
                limbs[place / 26] |= 1 << UInt64(place % 26)
            }
        }
        limbs[4] |= high << 24
        return limbs
    }

    /// Modulo 2^130 - 5: what leaves at the top comes back five times at the bottom.
    private static func product(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: 5)
        for row in 0..<5 {
            for column in 0..<5 {
                let term = left[row] * right[column]
                result[(row + column) % 5] += row + column >= 5 ? 5 * term : term
            }
        }
        return carried(carried(result))
    }

    private static func carried(_ limbs: [UInt64]) -> [UInt64] {
        var result = limbs
        for index in 0..<4 {
            result[index + 1] += result[index] >> 26
            result[index] &= limbMask
        }
        result[0] += 5 * (result[4] >> 26)
        result[4] &= limbMask
        return result
    }

    private static func finish(_ sum: [UInt64], pad: [UInt64]) -> ChunkMAC {
        var value = carried(carried(carried(sum)))
        // Subtract the prime where the value is not below it.
        var less = value
        less[0] += 5
        for index in 0..<4 {
            less[index + 1] += less[index] >> 26
            less[index] &= limbMask
        }
        if less[4] >> 26 == 1 {
            less[4] &= limbMask
            value = less
        }
        for index in 0..<5 { value[index] += pad[index] }
        for index in 0..<4 {
            value[index + 1] += value[index] >> 26
            value[index] &= limbMask
        }
        var bytes = [UInt8](repeating: 0, count: ChunkMAC.byteCount)
        for place in 0..<128 where value[place / 26] >> UInt64(place % 26) & 1 == 1 {
            bytes[place / 8] |= 1 << UInt8(place % 8)
        }
        return bytes.withUnsafeBytes { ChunkMAC(loadingFrom: $0.baseAddress!) }
    }
}
