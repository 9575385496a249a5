internal import KuraIO

/// The disks in an OVA: a tar archive of one machine, with its description first.
struct OVADirectory {
    /// A disk of the archive, and where its bytes are.
    struct Member {
        var name: String
        var range: Range<UInt64>
    }

    private(set) var disks: [Member] = []

    private static let blockBytes: UInt64 = 512
    private static let membersMax = 1000
    /// Longest name, or list of attributes, of a member.
    private static let textBytesMax: UInt64 = 64 << 10

    init(_ file: ImageFile) throws(KuraError) {
        var offset: UInt64 = 0
        var longName: String?
        var longSize: UInt64?
        for _ in 0..<Self.membersMax {
            guard offset <= file.byteCount, file.byteCount - offset >= Self.blockBytes else {
                break
            }
            let header = try file.bytes(at: offset, Int(Self.blockBytes))
            if header.isZero(0, 512) { break }
            guard header.has("ustar", at: 257), let said = Self.number(header.part(124, 12)) else {
                throw file.malformed("a member's header at offset \(offset)")
            }
            let start = offset + Self.blockBytes
            let size = longSize ?? said
            guard size <= file.byteCount - min(start, file.byteCount) else {
                throw file.malformed("it ends early")
            }
            switch header.part(156, 1).first {
            case UInt8(ascii: "L"):
                longName = try Self.text(at: start, size, of: file)
            case UInt8(ascii: "x"):
                let attributes = try Self.text(at: start, size, of: file)
                longName = Self.attribute("path", attributes) ?? longName
                longSize = Self.attribute("size", attributes).flatMap { UInt64($0) } ?? longSize
            case UInt8(ascii: "0"), 0:
                try add(longName ?? Self.name(header), at: start..<(start + size), of: file)
                (longName, longSize) = (nil, nil)
            case UInt8(ascii: "S"):
                throw file.refused(.unsupported("a member with holes"))
            default:
                (longName, longSize) = (nil, nil)
            }
            offset = start + (size + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
        }
        guard !disks.isEmpty else { throw file.malformed("it has no disks") }
    }

    private mutating func add(
        _ path: String, at range: Range<UInt64>, of file: ImageFile
    ) throws(KuraError) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let lower = name.lowercased()
        if lower.hasSuffix(".vmdk.gz") { throw file.refused(.unsupported("compressed \(name)")) }
        if lower.hasSuffix(".vmdk") { disks.append(Member(name: name, range: range)) }
    }

    private static func name(_ header: HeaderBytes) -> String {
        let (name, prefix) = (header.text(0, 100), header.text(345, 155))
        return prefix.isEmpty ? name : "\(prefix)/\(name)"
    }

    private static func text(
        at start: UInt64, _ size: UInt64, of file: ImageFile
    ) throws(KuraError) -> String {
        guard size <= textBytesMax else { throw file.malformed("a member's name") }
        return try file.bytes(at: start, Int(size)).text(0, Int(size))
    }

    /// "LENGTH KEY=VALUE", one a line.
    private static func attribute(_ key: String, _ text: String) -> String? {
        for line in text.split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            let pair = line[line.index(after: space)...]
            if pair.hasPrefix("\(key)=") { return String(pair.dropFirst(key.count + 1)) }
        }
        return nil
    }

    /// Octal digits, or, where the first bit is set, a binary number.
    private static func number(_ field: [UInt8]) -> UInt64? {
        if let first = field.first, first & 0x80 != 0 {
            guard field.dropLast(8).dropFirst().allSatisfy({ $0 == 0 }), first == 0x80 else {
                return nil
            }
            let value = field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return value <= UInt64(Int64.max) ? value : nil
        }
        let digits = field.prefix { $0 != 0 }.filter { $0 != UInt8(ascii: " ") }
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 8)
    }
}
