public import KuraFormat

/// What people compare to know a key: the 16 bytes by which records name it, and 12 bits that find
/// typing errors, as seven groups of four characters.
public struct Fingerprint: Hashable, Sendable {
    public let id: KeyID

    private static let symbolCount = 28

    public init(of id: KeyID) { self.id = id }

    public init(of key: PublicKey) { id = key.id }

    /// Reads what a person typed: case, spaces and hyphens do not count.
    public init(typed text: String) throws(SealError) {
        var symbols: [UInt8] = []
        for character in text where !TypedText.isSeparator(character) {
            guard let symbol = TypedText.symbol(of: character), symbols.count < Self.symbolCount
            else { throw .fingerprint }
            symbols.append(symbol)
        }
        guard symbols.count == Self.symbolCount else { throw .fingerprint }
        let bytes = TypedText.bytes(of: symbols).prefix(KeyID.byteCount)
        guard let id = KeyID(hex: Self.hex(bytes)) else { throw .fingerprint }
        self.id = id
        guard self.symbols == symbols else { throw .fingerprint }
    }

    private var symbols: [UInt8] {
        let id = Self.bytes(hex: id.hex)
        let check = SHA256.digest(Array("kura/fingerprint".utf8) + id).word0
        let checkBytes = [
            UInt8(truncatingIfNeeded: check >> 56), UInt8(truncatingIfNeeded: check >> 48),
        ]
        return TypedText.symbols(of: id + checkBytes, count: Self.symbolCount)
    }

    private static func hex(_ bytes: ArraySlice<UInt8>) -> String {
        let digits = bytes.flatMap { [$0 >> 4, $0 & 15] }
        return digits.map { String($0, radix: 16) }.joined()
    }

    private static func bytes(hex: String) -> [UInt8] {
        let digits = hex.utf8.map { UInt8($0 < 97 ? $0 - 48 : $0 - 87) }
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            digits[$0] << 4 | digits[$0 + 1]
        }
    }
}

extension Fingerprint: CustomStringConvertible {
    /// "0A1B-2C3D-..."
    public var description: String { TypedText.text(symbols, separator: "-") }
}
