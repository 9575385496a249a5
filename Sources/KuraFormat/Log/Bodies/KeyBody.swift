/// A key that may sign records from the next one on, or may no longer.
public struct KeyBody: Equatable, Sendable {
    /// What a key may sign for.
    public struct Rights: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Points, runs, marks, and what recovers.
        public static let write = Rights(rawValue: 1)
        /// What hides or deletes.
        public static let prune = Rights(rawValue: 2)
        public static let settings = Rights(rawValue: 4)
        /// Members, failovers, adoptions.
        public static let members = Rights(rawValue: 8)

        public static let all: Rights = [.write, .prune, .settings, .members]
    }

    public var key: PublicKeyBytes
    public var rights: Rights
    /// False: the key is removed.
    public var isAdmitted: Bool
    /// Of the root key over `bytesToSign`; `Signature.none` in record 1, which the root signs.
    public var rootSignature: [UInt8]
    /// The home that has the key, for people. At most `Limits.nameBytesMax` bytes. Private.
    public var name: String

    public init(
        key: PublicKeyBytes, rights: Rights, isAdmitted: Bool = true,
        rootSignature: [UInt8] = Signature.none, name: String
    ) {
        self.key = key
        self.rights = rights
        self.isAdmitted = isAdmitted
        self.rootSignature = rootSignature
        self.name = name
    }

    public var id: KeyID { KeyID(of: key) }

    /// What the root key signs.
    /// - Parameter previous: of the record that the body is in: so it is good for that place alone.
    public func bytesToSign(vault: UniqueID, previous: Digest) -> [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.uniqueID(vault)
        writer.digest(previous)
        writeSigned(&writer)
        return Signature.Purpose.key.bytes(writer.bytes)
    }

    private func writeSigned(_ writer: inout ByteWriter) {
        writer.keyID(id)
        writer.append(key.bytes)
        writer.integer(rights.rawValue)
        writer.flag(isAdmitted)
    }
}

extension KeyBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        writeSigned(&open)
        open.signature(rootSignature)
        hidden.text(name, max: Limits.nameBytesMax)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        let id = try open.keyID()
        key = try open.publicKey()
        rights = Rights(rawValue: try open.uint32())
        isAdmitted = try open.flag("admitted")
        rootSignature = try open.signature()
        name = try hidden.text("name of a key", max: Limits.nameBytesMax)
        guard id == self.id else { throw open.invalid("name of a key") }
        guard rights.isSubset(of: .all) else { throw open.invalid("rights") }
    }
}
