public import KuraIO

/// The file of an image, as those see it who look at its headers.
struct ImageFile {
    let source: any DiskSource
    let format: ImageFormat
    let byteCount: UInt64

    init(_ source: any DiskSource, _ format: ImageFormat) throws(KuraError) {
        guard let byteCount = source.knownByteCount else {
            throw KuraError(
                refusing: source.name, format,
                .unsupported("images are read from files, not from streams"))
        }
        self.source = source
        self.format = format
        self.byteCount = byteCount
    }

    func refused(_ reason: ImageRefusal) -> KuraError {
        KuraError(refusing: source.name, format, reason)
    }

    func malformed(_ what: String) -> KuraError { refused(.malformed(what)) }

    /// The bytes of one structure.
    /// - Throws: also when the file ends before their end.
    func bytes(at offset: UInt64, _ count: Int) throws(KuraError) -> HeaderBytes {
        guard offset <= byteCount, UInt64(count) <= byteCount - offset else {
            throw malformed("it ends early")
        }
        let found = try source.bytes(at: offset, count)
        guard found.count == count else { throw malformed("it ends early") }
        return HeaderBytes(found)
    }
}

/// The bytes of a structure. What lies outside of them reads as zeros, so that no offset traps.
struct HeaderBytes {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private func slice(_ offset: Int, _ count: Int) -> ArraySlice<UInt8> {
        let start = min(max(0, offset), bytes.count)
        return bytes[start..<(start + min(max(0, count), bytes.count - start))]
    }

    /// An integer, most significant byte first.
    func big<T: FixedWidthInteger>(_ offset: Int, as type: T.Type = T.self) -> T {
        let part = slice(offset, MemoryLayout<T>.size)
        return part.count < MemoryLayout<T>.size
            ? 0 : part.reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }

    /// An integer, least significant byte first.
    func little<T: FixedWidthInteger>(_ offset: Int, as type: T.Type = T.self) -> T {
        big(offset, as: type).byteSwapped
    }

    func part(_ offset: Int, _ count: Int) -> [UInt8] { Array(slice(offset, count)) }

    /// A text up to its first byte that is 0.
    func text(_ offset: Int, _ count: Int) -> String {
        String(decoding: slice(offset, count).prefix { $0 != 0 }, as: UTF8.self)
    }

    func has(_ text: String, at offset: Int) -> Bool {
        slice(offset, text.utf8.count).elementsEqual(text.utf8)
    }

    func isZero(_ offset: Int, _ count: Int) -> Bool {
        slice(offset, count).allSatisfy { $0 == 0 }
    }
}

/// What an image says of itself, as far as it matters to who reads it.
public struct ImageFacts: Equatable, Sendable {
    /// Bytes of the disk in it; nil where only a reader of the whole format knows.
    public var byteCount: UInt64?
    /// The image that this one continues; nil where it is whole.
    public var base: Base?
    /// Names of states of the disk that are kept inside the image.
    public var snapshots: [String] = []

    public struct Base: Equatable, Sendable {
        /// As the image has it: a path of the machine that wrote it, or anything else.
        public var name: String
        /// What the base is; nil where the image does not say.
        public var format: DiskFormat?
    }

    /// - Throws: where the image is damaged, encrypted or of a kind that is not read, or would lead
    ///   to files that it names itself.
    public init(of source: any DiskSource, _ format: ImageFormat) throws(KuraError) {
        let file = try ImageFile(source, format)
        self.init()
        switch format {
        case .qcow2: self = try QCOW2Header(file).facts
        case .vhd: self = try VHDHeader(file).facts
        case .vhdx: byteCount = try VHDXHeader(file).diskByteCount
        case .vmdk: byteCount = try VMDKHeader(file).diskByteCount
        case .vdi: byteCount = try VDIHeader(file).diskByteCount
        case .ova: _ = try OVADirectory(file)
        case .qcow, .qed, .gzip, .xz, .zstd, .bzip2, .lz4:
            throw file.refused(.unsupported("the format itself"))
        }
    }

    init() {}
}
