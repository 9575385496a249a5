internal import Glibc
public import KuraIO
internal import KuraNBD
internal import SystemPackage

/// A machine with its disks as an OVA: a tar archive of a description and of the disks as VMDKs.
public struct OVAWriter {
    public struct Disk: Sendable {
        public var name: String
        public var source: any DiskSource

        public init(_ name: String, _ source: any DiskSource) {
            self.name = name
            self.source = source
        }
    }

    private let file: NewFileSink
    private var offset: UInt64 = 0

    private static let blockBytes: UInt64 = 512
    /// What programs of tar write and read at once.
    private static let recordBytes: UInt64 = 10240

    /// Writes all of it into a file.
    ///
    /// The description comes first and says how long the disks are, which is known last: it has
    /// room enough from the start. Beside the file there is room for the largest of the VMDKs once
    /// more while they are made.
    /// - Parameters:
    ///   - machine: its name.
    ///   - file: opened for a file without bytes; the caller finishes or abandons it.
    ///   - conversion: to the format VMDK, of the next disk.
    ///   - partial: makes a file for one VMDK, which is abandoned.
    public static func write(
        _ disks: [Disk], of machine: String, to file: NewFileSink,
        by conversion: () -> ImageConversion,
        partial: () throws(KuraError) -> NewFileSink
    ) throws(KuraError) {
        var description = OVFDescription(machine)
        for disk in disks {
            description.add(disk.name, byteCount: disk.source.knownByteCount ?? 0)
        }
        let room = description.text.utf8.count
        var writer = OVAWriter(file: file)
        writer.offset = blockBytes + padded(room)
        for (index, disk) in disks.enumerated() {
            let part = try partial()
            defer { part.abandon() }
            let name = description.disks[index].fileName
            try conversion().write(disk.source, to: part, name: name)
            description.disks[index].fileByteCount = try writer.add(name, from: part)
        }
        try writer.end()
        let text = description.text
        let spaces = String(repeating: " ", count: room - text.utf8.count)
        try writer.put(
            header(PlainName.of(machine) + ".ovf", byteCount: UInt64(room))
                + (text + spaces).utf8, at: 0)
    }

    private init(file: NewFileSink) { self.file = file }

    private static func padded(_ byteCount: Int) -> UInt64 { padded(UInt64(byteCount)) }

    private static func padded(_ byteCount: UInt64) -> UInt64 {
        (byteCount + blockBytes - 1) / blockBytes * blockBytes
    }

    private func put(_ bytes: [UInt8], at offset: UInt64) throws(KuraError) {
        try withKuraErrors { try bytes.withUnsafeBytes { try file.write(at: offset, $0) } }
    }

    /// Adds a member with the bytes of a file.
    private mutating func add(
        _ name: String, from part: NewFileSink
    ) throws(KuraError) -> UInt64 {
        let start = offset + Self.blockBytes
        let buffer = AlignedBuffer(byteCount: 1 << 20)
        var done: UInt64 = 0
        while true {
            let count = pread(
                part.openDescriptor, buffer.base, buffer.byteCount, Int(done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw KuraError(
                    io: IOError("read", place: part.name, Errno(rawValue: errno)))
            }
            if count == 0 { break }
            try file.write(
                at: start + done, UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
            done += UInt64(count)
        }
        try put(Self.header(name, byteCount: done), at: offset)
        offset = start + Self.padded(done)
        return done
    }

    /// Two blocks of zeros, and as many as make the last record whole.
    private func end() throws(KuraError) {
        let all = offset + 2 * Self.blockBytes
        let whole = (all + Self.recordBytes - 1) / Self.recordBytes * Self.recordBytes
        try put([UInt8](repeating: 0, count: Int(whole - offset)), at: offset)
    }

    /// The block before a member.
    /// - Parameter name: at most 100 bytes.
    static func header(_ name: String, byteCount: UInt64) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: Int(blockBytes))
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            header.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        }
        func octal(_ value: UInt64, _ digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array(String(repeating: "0", count: max(0, digits - text.count)).utf8)
                + text.utf8
        }
        put(name.utf8.prefix(100), at: 0)
        put(octal(0o644, 7), at: 100)
        put(octal(0, 7), at: 108)
        put(octal(0, 7), at: 116)
        if byteCount < 1 << 33 {
            put(octal(byteCount, 11), at: 124)
        } else {
            // As a number of base 256, which tells itself by its first bit.
            header[124] = 0x80
            var number: [UInt8] = []
            number.put(byteCount)
            put(number, at: 128)
        }
        put(octal(0, 11), at: 136)
        put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148)
        header[156] = UInt8(ascii: "0")
        put("ustar\0".utf8, at: 257)
        put("00".utf8, at: 263)
        let sum = header.reduce(UInt64(0)) { $0 + UInt64($1) }
        put(octal(sum, 6) + [0], at: 148)
        return header
    }
}
