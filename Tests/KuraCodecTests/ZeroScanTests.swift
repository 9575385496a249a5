import KuraCodec
import Testing

@Suite("Zero scan") struct ZeroScanTests {
    /// Calls `body` with a pointer to `count` zero bytes between bytes that are not zero.
    private static func withZeros(
        _ count: Int, alignment: Int, _ body: (UnsafeMutableRawPointer) -> Void
    ) {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 192, alignment: 64)
        defer { room.deallocate() }
        _ = room.initializeMemory(as: UInt8.self, repeating: 0xff)
        let start = room.baseAddress! + 64 + alignment
        start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        body(start)
    }

    @Test("takes zeros for zeros, whatever lies beside them")
    func zeros() {
        for count in 0...200 {
            for alignment in 0..<16 {
                Self.withZeros(count, alignment: alignment) { pointer in
                    #expect(ZeroScan.isZero(pointer, count: count))
                }
            }
        }
    }

    @Test("sees one byte that is not zero, wherever it is")
    func oneByte() {
        for count in [1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 200] {
            for alignment in [0, 1, 7, 8, 15] {
                Self.withZeros(count, alignment: alignment) { pointer in
                    for position in 0..<count {
                        pointer.storeBytes(of: 0x80, toByteOffset: position, as: UInt8.self)
                        #expect(!ZeroScan.isZero(pointer, count: count))
                        pointer.storeBytes(of: 0, toByteOffset: position, as: UInt8.self)
                    }
                }
            }
        }
    }

    @Test("sees every bit of a block")
    func bits() {
        Self.withZeros(4096, alignment: 0) { pointer in
            for bit in stride(from: 0, to: 4096 * 8, by: 61) {
                pointer.storeBytes(of: 1 << UInt8(bit % 8), toByteOffset: bit / 8, as: UInt8.self)
                #expect(!ZeroScan.isZero(pointer, count: 4096))
                pointer.storeBytes(of: 0, toByteOffset: bit / 8, as: UInt8.self)
            }
            #expect(ZeroScan.isZero(pointer, count: 4096))
        }
    }
}
