/// The numbers of the NBD protocol, most significant byte first on the wire:
/// github.com/NetworkBlockDevice/nbd, doc/proto.md.
package enum Wire {
    package static let greeting: UInt64 = 0x4e42_444d_4147_4943
    package static let optionMagic: UInt64 = 0x4948_4156_454f_5054
    package static let optionReplyMagic: UInt64 = 0x0003_e889_0455_65a9
    package static let requestMagic: UInt32 = 0x2560_9513
    package static let simpleReplyMagic: UInt32 = 0x6744_6698
    package static let structuredReplyMagic: UInt32 = 0x668e_33ef

    /// Of the greeting, from the server.
    package static let fixedNewstyle: UInt16 = 1
    package static let noZeroes: UInt16 = 2

    package enum Option {
        package static let go: UInt32 = 7
        package static let structuredReply: UInt32 = 8
        package static let setMetaContext: UInt32 = 10
    }

    package enum OptionReply {
        package static let acknowledged: UInt32 = 1
        package static let info: UInt32 = 3
        package static let metaContext: UInt32 = 4
        package static let errorBit: UInt32 = 1 << 31
        package static let unknownExport: UInt32 = errorBit | 6
    }

    package static let infoExport: UInt16 = 0
    package static let allocationContext = "base:allocation"
    /// Of a stretch in `base:allocation`: it reads as zeros.
    package static let readsAsZeros: UInt32 = 2

    package enum Command {
        package static let read: UInt16 = 0
        package static let blockStatus: UInt16 = 7
    }

    package enum Chunk {
        package static let none: UInt16 = 0
        package static let data: UInt16 = 1
        package static let hole: UInt16 = 2
        package static let blockStatus: UInt16 = 5
        package static let errorBit: UInt16 = 1 << 15
        package static let doneFlag: UInt16 = 1
    }

    /// Longest string of the protocol.
    package static let stringBytesMax = 4096
}

extension [UInt8] {
    /// Appends an integer as the wire has it.
    package mutating func put<T: FixedWidthInteger>(_ value: T) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// The integer at an offset; the bytes must be there.
    package func integer<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T {
        self[offset..<(offset + MemoryLayout<T>.size)].reduce(0) { $0 << 8 | T($1) }
    }
}
