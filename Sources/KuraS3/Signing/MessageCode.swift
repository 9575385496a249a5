internal import KuraCodec
internal import KuraFormat

/// HMAC-SHA256, after RFC 2104.
enum MessageCode {
    static func code(_ message: String, key: [UInt8]) -> [UInt8] {
        var key = key.count > 64 ? ChunkHasher.digest(key).bytes : key
        key += repeatElement(0, count: 64 - key.count)
        var inner = key.map { $0 ^ 0x36 }
        inner += message.utf8
        return ChunkHasher.digest(key.map { $0 ^ 0x5C } + ChunkHasher.digest(inner).bytes).bytes
    }

    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// The usual text form of bytes in headers, after RFC 4648.
package enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let value = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * (3 - part.count))
            for place in 0..<4 {
                let digit = digits[Int(value >> (18 - 6 * place) & 63)]
                text.append(place <= part.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
