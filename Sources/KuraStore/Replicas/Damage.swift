public import KuraFormat
internal import KuraIO
public import SystemPackage

/// One file of one replica that is not as it must be.
public struct Damage: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case missing
        /// Shorter or longer than its own tables say.
        case wrongLength = "wrong-length"
        /// A hash or a field is wrong.
        case corrupt
        /// The system could not read it.
        case unreadable
        /// It refers to something that no replica holds.
        case dangling
    }

    public var region: String
    public var replica: Int
    public var path: FilePath
    public var structure: Structure
    public var kind: Kind
    /// What exactly is wrong, for people.
    public var detail: String

    public init(
        region: String, replica: Int, path: FilePath, structure: Structure, kind: Kind,
        detail: String
    ) {
        self.region = region
        self.replica = replica
        self.path = path
        self.structure = structure
        self.kind = kind
        self.detail = detail
    }

    /// Classifies an error that reading a file ended with.
    init(_ replica: Replica, path: FilePath, structure: Structure, _ error: any Error) {
        let kind: Kind
        switch error {
        case let error as IOError: kind = error.isNotFound ? .missing : .unreadable
        case FormatError.truncated, FormatError.trailingBytes: kind = .wrongLength
        default: kind = .corrupt
        }
        let detail = kind == .missing ? "the file is not there" : "\(error)"
        self.init(
            region: replica.regionName, replica: replica.ordinal, path: path, structure: structure,
            kind: kind, detail: detail)
    }
}
