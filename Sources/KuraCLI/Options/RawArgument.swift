package import SystemPackage

/// Arguments whose bytes are not UTF-8, such as the names of some files, on their way through a
/// parser that knows texts only.
///
/// Each byte that is no part of UTF-8 becomes a character of its own in a private area, the last
/// one of Unicode. Characters of that area that were typed go the same way, byte by byte, so that
/// every argument comes back as it was.
package enum RawArgument {
    private static let first: UInt32 = 0x10_FF00
    private static let area = first...first + 0xFF

    /// The text for the parser.
    package static func text(_ bytes: [UInt8]) -> String {
        var scalars = String.UnicodeScalarView()
        func escape(_ bytes: ArraySlice<UInt8>) {
            for byte in bytes {
                if let scalar = Unicode.Scalar(first + UInt32(byte)) { scalars.append(scalar) }
            }
        }
        var rest = bytes[...]
        while let lead = rest.first {
            let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
            let part = rest.prefix(length)
            let valid = String(validating: part, as: UTF8.self)?.unicodeScalars.first
            if let valid, part.count == length, !area.contains(valid.value) {
                scalars.append(valid)
                rest = rest.dropFirst(length)
            } else if valid != nil, part.count == length {
                escape(part)
                rest = rest.dropFirst(length)
            } else {
                escape(rest.prefix(1))
                rest = rest.dropFirst()
            }
        }
        return String(scalars)
    }

    /// The bytes that `text` came from.
    package static func bytes(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if area.contains(scalar.value) {
                bytes.append(UInt8(scalar.value - first))
            } else {
                bytes.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
            }
        }
        return bytes
    }

    /// Whether an argument was not UTF-8.
    package static func isRaw(_ text: String) -> Bool {
        text.unicodeScalars.contains { area.contains($0.value) }
    }

    /// The argument for a message.
    static func shown(_ text: String) -> String { String(decoding: bytes(text), as: UTF8.self) }
}

extension FilePath {
    /// The path that an argument names, to the byte.
    package init(argument: String) {
        guard RawArgument.isRaw(argument) else {
            self.init(argument)
            return
        }
        let characters = RawArgument.bytes(argument).map { CInterop.PlatformChar(bitPattern: $0) }
        self = (characters + [0]).withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { FilePath(platformString: $0) } ?? FilePath(argument)
        }
    }
}

/// A command that takes paths whose bytes are not UTF-8.
protocol TakesRawPaths {
    /// The arguments that are such paths.
    var rawPaths: [String] { get }
}
