internal import KuraFormat

/// A signing key as a small text file, which its owner alone may read (0600: the caller's part).
///
///     signing key of kura, version 1
///     public <64 hexadecimal digits>
///     seed <64 hexadecimal digits>
///     check <64 hexadecimal digits: SHA-256 of the lines before>
public enum KeyFile {
    /// Longest key file, in bytes.
    public static let byteCountMax = 1024
    private static let header = "signing key of kura, version "

    /// The bytes of the file. Secret.
    public static func encode(_ key: SigningKey) -> [UInt8] {
        let seed = key.withSeed { Digest(loadingFrom: $0.baseAddress!).hex }
        let lines = "\(header)1\npublic \(digest(key.publicKey.stored.bytes).hex)\nseed \(seed)\n"
        let check = SHA256.digest(Array(lines.utf8)).hex
        return Array("\(lines)check \(check)\n".utf8)
    }

    /// Reads bytes that may be wrong.
    public static func decode(_ bytes: [UInt8]) throws(SealError) -> SigningKey {
        guard bytes.count <= byteCountMax else { throw .keyFile(.tooLong(bytes.count)) }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let first = String(decoding: lines[0], as: UTF8.self)
        guard first.hasPrefix(header), let version = UInt16(first.dropFirst(header.count)) else {
            throw .keyFile(.header)
        }
        guard version == 1 else { throw .keyFile(.version(version)) }
        let publicKey = try value("public", in: lines, at: 1)
        let seed = try value("seed", in: lines, at: 2)
        let check = try value("check", in: lines, at: 3)
        guard lines.count == 5, lines[4].isEmpty else { throw .keyFile(.line("check")) }
        guard SHA256.digest(Array(bytes[..<lines[3].startIndex])) == check else {
            throw .keyFile(.checksum)
        }
        var seedBytes = ByteWriter(reserving: Digest.byteCount)
        seedBytes.digest(seed)
        let key = try SigningKey(seed: seedBytes.bytes)
        guard digest(key.publicKey.stored.bytes) == publicKey else {
            throw .keyFile(.otherPublicKey)
        }
        return key
    }

    private static func value(
        _ name: String, in lines: [ArraySlice<UInt8>], at index: Int
    ) throws(SealError) -> Digest {
        guard index < lines.count else { throw .keyFile(.line(name)) }
        let line = String(decoding: lines[index], as: UTF8.self)
        guard line.hasPrefix(name + " "), let value = Digest(hex: line.dropFirst(name.count + 1))
        else { throw .keyFile(.line(name)) }
        return value
    }

    /// 32 bytes as a value that has a text form.
    private static func digest(_ bytes: [UInt8]) -> Digest {
        bytes.withUnsafeBytes { Digest(loadingFrom: $0.baseAddress!) }
    }
}
