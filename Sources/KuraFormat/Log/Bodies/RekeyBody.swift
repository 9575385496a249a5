/// Another root key takes the place of the one before, from the next record on. Admitted keys stay.
public struct RekeyBody: Equatable, Sendable {
    public enum Reason: UInt8, Sendable, CaseIterable {
        case planned = 1
        /// The old root key may be known to others.
        case exposed = 2
        /// The old root key is gone: a new beginning, which a person has to accept in each home.
        case lost = 3
    }

    public var rootKey: PublicKeyBytes
    public var reason: Reason
    /// Of the root key so far over `bytesToSign`; `Signature.none` exactly where it is lost.
    public var oldSignature: [UInt8]
    /// Of the new root key over the same: its holder has it.
    public var newSignature: [UInt8]

    public init(
        rootKey: PublicKeyBytes, reason: Reason, oldSignature: [UInt8] = Signature.none,
        newSignature: [UInt8] = Signature.none
    ) {
        self.rootKey = rootKey
        self.reason = reason
        self.oldSignature = oldSignature
        self.newSignature = newSignature
    }

    /// What both root keys sign.
    /// - Parameter previous: of the record that the body is in: so it is good for that place alone.
    public func bytesToSign(vault: UniqueID, previous: Digest) -> [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.uniqueID(vault)
        writer.digest(previous)
        writer.append(rootKey.bytes)
        writer.integer(reason.rawValue)
        return Signature.Purpose.rekey.bytes(writer.bytes)
    }
}

extension RekeyBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.append(rootKey.bytes)
        open.integer(reason.rawValue)
        open.signature(oldSignature)
        open.signature(newSignature)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        rootKey = try open.publicKey()
        guard let reason = Reason(rawValue: try open.uint8()) else {
            throw open.invalid("reason of a rekey")
        }
        self.reason = reason
        oldSignature = try open.signature()
        newSignature = try open.signature()
        guard (oldSignature == Signature.none) == (reason == .lost) else {
            throw open.invalid("signature of the old root key")
        }
    }
}
