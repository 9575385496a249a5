import KuraIO
import KuraImages
import KuraNBD

extension HostileDecoder {
    /// Images in formats, and what a server says that gives a disk.
    static let images: [HostileDecoder] = [
        HostileDecoder("image", inputBytesMax: 16384, allocationBytesMax: 4 << 20, complete: vhdx) {
            bytes in
            let source = MemorySource(name: "image", bytes)
            guard let format = try source.imageFormat() else { throw Refused() }
            _ = try ImageFacts(of: source, format)
            return nil
        },
        HostileDecoder("vhd", inputBytesMax: 16384, allocationBytesMax: 4 << 20, complete: vhd) {
            bytes in
            let image = MemorySource(name: "image", bytes)
            let isDifference = try ImageFacts(of: image, .vhd).base != nil
            try read(
                try VHDImage.open(
                    image, bases: isDifference ? [MemorySource(name: "base", base)] : []))
            return nil
        },
        HostileDecoder("nbd", inputBytesMax: 4096, allocationBytesMax: 4 << 20, complete: greeted) {
            bytes in
            try read(try NBDSource([ScriptedStream(bytes)], name: "disk"))
            return nil
        },
        HostileDecoder(
            "nbd-server", inputBytesMax: 4096, allocationBytesMax: 48 << 20, complete: agreed
        ) { bytes in
            try NBDServer([NBDServer.Disk("disk", served)], threads: 1)
                .serve(ScriptedStream(bytes))
            return nil
        },
    ]

    private struct Refused: Error {}

    private static let served = MemorySource(
        name: "disk", [UInt8](repeating: 1, count: 1 << 20))

    /// A VHD of fixed size, whose identity is 0 to 15: the base of the example with differences.
    private static let base: [UInt8] = {
        var footer = Array("conectix".utf8).resized(to: 512)
        footer[11] = 2
        footer[13] = 1
        footer[54] = 0x10
        footer[63] = 2
        for index in 0..<16 { footer[68 + index] = UInt8(index) }
        let sum = ~footer.reduce(UInt32(0)) { $0 + UInt32($1) }
        for index in 0..<4 {
            footer[64 + index] = UInt8(truncatingIfNeeded: sum >> (24 - UInt32(index) * 8))
        }
        return [UInt8](repeating: 5, count: 4096) + footer
    }()

    /// Reads the start and the end of a disk, as a backup does.
    private static func read(_ disk: any DiskSource) throws {
        let byteCount = disk.knownByteCount ?? 0
        let buffer = AlignedBuffer(byteCount: 512 << 10)
        let window: UInt64 = 1 << 20
        for start in byteCount > window ? [0, byteCount - window] : [0] {
            var cursor = start
            let end = min(byteCount, start + window)
            for _ in 0..<64 {
                guard cursor < end, let data = try disk.nextData(in: cursor..<end) else { break }
                guard data.lowerBound >= cursor, data.upperBound <= end, !data.isEmpty else {
                    throw Finding("data outside of the range")
                }
                let count = try disk.read(at: data.lowerBound, into: buffer.bytes)
                guard count <= buffer.byteCount else { throw Finding("more than the memory") }
                cursor = data.upperBound
            }
        }
    }

    /// A VHDX whose regions and metadata are the input, behind what leads to them.
    private static func vhdx(_ input: [UInt8]) -> [UInt8]? {
        guard input.count >= 64 else { return nil }
        var bytes = Array("vhdxfile".utf8).resized(to: 640 << 10)
        func put(_ part: [UInt8], at offset: Int) {
            bytes.replaceSubrange(offset..<(offset + part.count), with: part)
        }
        let half = input.count / 2
        put(Array("regi".utf8) + [0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0], at: 192 << 10)
        put(Array(input[..<half].prefix(32 << 10)), at: (192 << 10) + 48)
        let region: [UInt8] = [
            0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
            0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e,
        ]
        put(region + [0, 0, 8, 0, 0, 0, 0, 0], at: (192 << 10) + 16)
        put(Array("metadata".utf8) + [0, 0, 8, 0], at: 512 << 10)
        put(Array(input[half...].prefix(32 << 10)), at: (512 << 10) + 32)
        return bytes
    }

    /// With the checksums that belong to its footer and to a second header at the start.
    private static func vhd(_ input: [UInt8]) -> [UInt8]? {
        guard input.count >= 1536 else { return nil }
        var bytes = input
        func seal(_ range: Range<Int>, at place: Int) {
            for index in 0..<4 { bytes[range.lowerBound + place + index] = 0 }
            let sum = ~bytes[range].reduce(UInt32(0)) { $0 &+ UInt32($1) }
            for index in 0..<4 {
                bytes[range.lowerBound + place + index] = UInt8(
                    truncatingIfNeeded: sum >> (24 - UInt32(index) * 8))
            }
        }
        let footer = bytes.count - 512
        bytes.replaceSubrange(footer..<(footer + 8), with: Array("conectix".utf8))
        bytes.replaceSubrange((footer + 12)..<(footer + 16), with: [0, 1, 0, 0])
        seal(footer..<bytes.count, at: 64)
        if bytes[footer + 63] != 2 {
            bytes.replaceSubrange(
                (footer + 16)..<(footer + 24), with: [UInt8](repeating: 0, count: 8))
            bytes.replaceSubrange(0..<8, with: Array("cxsparse".utf8))
            seal(0..<1024, at: 36)
        }
        return bytes
    }

    /// The input as what comes behind a sound beginning.
    private static func greeted(_ input: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.put(Wire.greeting)
        bytes.put(Wire.optionMagic)
        bytes.put(Wire.fixedNewstyle)
        func reply(_ option: UInt32, _ kind: UInt32, _ data: [UInt8] = []) {
            bytes.put(Wire.optionReplyMagic)
            bytes.put(option)
            bytes.put(kind)
            bytes.put(UInt32(data.count))
            bytes += data
        }
        reply(Wire.Option.structuredReply, Wire.OptionReply.acknowledged)
        reply(
            Wire.Option.setMetaContext, Wire.OptionReply.metaContext,
            [0, 0, 0, 7] + Wire.allocationContext.utf8)
        reply(Wire.Option.setMetaContext, Wire.OptionReply.acknowledged)
        reply(Wire.Option.go, Wire.OptionReply.info, [0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 1])
        reply(Wire.Option.go, Wire.OptionReply.acknowledged)
        return bytes + input
    }
}

extension HostileDecoder {
    /// The input as requests of a client that has chosen its disk.
    private static func agreed(_ input: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.put(UInt32(Wire.fixedNewstyle | Wire.noZeroes))
        func ask(_ option: UInt32, _ data: [UInt8] = []) {
            bytes.put(Wire.optionMagic)
            bytes.put(option)
            bytes.put(UInt32(data.count))
            bytes += data
        }
        ask(Wire.Option.structuredReply)
        var context: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
        context.put(UInt32(Wire.allocationContext.utf8.count))
        ask(Wire.Option.setMetaContext, context + Wire.allocationContext.utf8)
        ask(Wire.Option.go, [0, 0, 0, 0, 0, 0])
        return bytes + input
    }
}

/// The other side, which says what it says, whatever it is asked.
private final class ScriptedStream: ByteStream {
    private let rest: Guarded<ArraySlice<UInt8>>

    init(_ bytes: [UInt8]) { rest = Guarded(bytes[...]) }

    func send(_ bytes: UnsafeRawBufferPointer) throws(KuraError) {}
    func end(with cancellation: Cancellation) {}
    func waitForBytes() throws(KuraError) -> Bool { !rest.read().isEmpty }

    func receive(into target: UnsafeMutableRawBufferPointer) throws(KuraError) {
        let part = rest.update { rest in
            let part = rest.prefix(target.count)
            rest = rest.dropFirst(part.count)
            return part
        }
        guard part.count == target.count else { throw KuraError(.io, "it has closed") }
        target.copyBytes(from: part)
    }
}
