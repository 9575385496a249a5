import KuraFormat

/// The 256 random words of the gear hash.
///
/// Word `b` is the first 8 bytes, little-endian, of SHA-256 over "gear-tail-v1" and the byte `b`,
/// so the table can be made again from its name alone. Part of the format: never change it.
public enum GearTable {
    /// 256 words, valid for the life of the process.
    // Written once, before anybody can see it.
    nonisolated(unsafe) public static let words: UnsafePointer<UInt64> = {
        let table = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
        for value in 0..<256 {
            let digest = SHA256.digest(Array(ChunkerKind.gearTail.rawValue.utf8) + [UInt8(value)])
            // A digest keeps big-endian words; the format wants the first eight bytes
            // little-endian.
            table[value] = digest.word0.byteSwapped
        }
        return UnsafePointer(table)
    }()
}
