/// Why a key, a signature's key, a key file or a recovery sheet cannot be used. Closed on purpose:
/// a caller can tell every case apart.
public enum SealError: Error, Equatable, Sendable {
    /// A seed or a public key has another length than 32 bytes.
    case keyLength(Int)
    /// These 32 bytes are no public key of Ed25519, or one for which anybody can make signatures.
    case unusableKey
    /// libcrypto does not do Ed25519 here.
    case unavailable
    case keyFile(KeyFileFault)
    /// A fingerprint is mistyped.
    case fingerprint
    case sheet(SheetFault)
}

extension SealError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .keyLength(let count): "a key has 32 bytes, and this one \(count)"
        case .unusableKey: "these bytes are no key that Ed25519 can be trusted with"
        case .unavailable: "the system's libcrypto does not offer Ed25519"
        case .keyFile(let fault): "not a usable key file: \(fault)"
        case .fingerprint: "the fingerprint is mistyped: its check characters do not fit"
        case .sheet(let fault): "the recovery sheet is mistyped: \(fault)"
        }
    }
}

/// What is wrong with the bytes of a key file.
public enum KeyFileFault: Error, Equatable, Sendable, CustomStringConvertible {
    case tooLong(Int)
    /// The first line is another.
    case header
    case version(UInt16)
    /// A line, by its first word, is not there or not as it must be.
    case line(String)
    /// A byte of the file is another than when it was written.
    case checksum
    /// The public key belongs to another seed.
    case otherPublicKey

    public var description: String {
        switch self {
        case .tooLong(let count): "\(count) bytes are too many"
        case .header: "its first line is not that of a key file"
        case .version(let version): "its version is \(version), which this Kura does not know"
        case .line(let name): "its line \"\(name)\" is missing or malformed"
        case .checksum: "its checksum differs: a byte was changed"
        case .otherPublicKey: "its public key belongs to another seed"
        }
    }
}

/// What is wrong with a sheet that a person typed. Lines and groups count from 1.
public enum SheetFault: Error, Equatable, Sendable, CustomStringConvertible {
    case lineMissing(Int)
    case lineTwice(Int)
    /// A line has not 16 characters. `group`: the first that has not four, where groups show.
    case lineLength(line: Int, count: Int, group: Int?)
    case character(line: Int, group: Int, Character)
    /// The check of the line differs. `group`: where one wrong character, or two neighbours that
    /// changed places, would explain it.
    case lineCheck(line: Int, group: Int?)
    /// The line would be right as another one.
    case lineIsOther(line: Int, other: Int)
    case vault
    case fingerprint
    /// Each line is right, and together they are the key of another sheet than the fingerprint.
    case otherKey
    /// Lines without numbers that are not 64 characters together.
    case seedLength(Int)
    case tooLong

    public var description: String {
        switch self {
        case .lineMissing(let line): "line \(line) is missing"
        case .lineTwice(let line): "line \(line) is there twice"
        case .lineLength(let line, let count, let group):
            "line \(line) has \(count) characters instead of 16"
                + (group.map { ": look at group \($0)" } ?? "")
        case .character(let line, let group, let character):
            "line \(line), group \(group): \"\(character.escaped)\" is never printed"
        case .lineCheck(let line, let group):
            "line \(line) is not what was printed"
                + (group.map { ": look at group \($0)" } ?? "")
        case .lineIsOther(let line, let other):
            "what stands in line \(line) is line \(other) of the sheet"
        case .vault: "the id of the vault is not 32 hexadecimal digits"
        case .fingerprint: "the fingerprint's check characters do not fit"
        case .otherKey: "the key and the fingerprint are of two sheets"
        case .seedLength(let count): "the key has \(count) characters instead of 64"
        case .tooLong: "it is too long for a sheet"
        }
    }
}

extension Character {
    /// In ASCII, for messages and printed text.
    var escaped: String { unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }
}
