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

    /// Of an export: it has flags, and is read-only.
    package static let readOnly: UInt16 = 0b11
    /// Of an export: a client may ask for a reply in one part.
    package static let givesWhole: UInt16 = 1 << 7
    /// Of an export: what one connection reads, another one reads, too.
    package static let multipleConnections: UInt16 = 1 << 8

    package enum Option {
        package static let exportName: UInt32 = 1
        package static let abort: UInt32 = 2
        package static let list: UInt32 = 3
        package static let info: UInt32 = 6
        package static let go: UInt32 = 7
        package static let structuredReply: UInt32 = 8
        package static let listMetaContext: UInt32 = 9
        package static let setMetaContext: UInt32 = 10
    }

    package enum OptionReply {
        package static let acknowledged: UInt32 = 1
        package static let server: UInt32 = 2
        package static let info: UInt32 = 3
        package static let metaContext: UInt32 = 4
        package static let errorBit: UInt32 = 1 << 31
        package static let unsupported: UInt32 = errorBit | 1
        package static let invalid: UInt32 = errorBit | 3
        package static let unknownExport: UInt32 = errorBit | 6
    }

    package static let infoExport: UInt16 = 0
    package static let infoName: UInt16 = 1
    package static let infoBlockSize: UInt16 = 3
    package static let allocationContext = "base:allocation"
    /// Of a stretch in `base:allocation`: nothing is stored for it.
    package static let hole: UInt32 = 1
    /// Of a stretch in `base:allocation`: it reads as zeros.
    package static let readsAsZeros: UInt32 = 2

    package enum Command {
        package static let read: UInt16 = 0
        package static let write: UInt16 = 1
        package static let disconnect: UInt16 = 2
        package static let flush: UInt16 = 3
        package static let trim: UInt16 = 4
        package static let writeZeroes: UInt16 = 6
        package static let blockStatus: UInt16 = 7
        /// Of a read: all of it in one part.
        package static let wholeFlag: UInt16 = 1 << 2
        /// Of a question about holes: one stretch.
        package static let oneFlag: UInt16 = 1 << 3
    }

    package enum Chunk {
        package static let none: UInt16 = 0
        package static let data: UInt16 = 1
        package static let hole: UInt16 = 2
        package static let blockStatus: UInt16 = 5
        package static let errorBit: UInt16 = 1 << 15
        package static let error: UInt16 = errorBit | 1
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
