/// Tells zero bytes from others, at memory speed.
public enum ZeroScan {
    /// Whether all `count` bytes at `pointer` are zero. Stops at the first 64 bytes that are not.
    public static func isZero(_ pointer: UnsafeRawPointer, count: Int) -> Bool {
        var offset = 0
        while offset &+ 64 <= count {
            let lanes = pointer.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
            if lanes != .zero { return false }
            offset &+= 64
        }
        while offset < count {
            if pointer.load(fromByteOffset: offset, as: UInt8.self) != 0 { return false }
            offset &+= 1
        }
        return true
    }
}
