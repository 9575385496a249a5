/// The file `vault` of a vault whose truth is its log: what it needs, and its id. Never replaced.
///
/// It is version 4 of the vault record, so a program that knows no log takes the vault for too new.
public struct VaultIdentity: Equatable, Sendable {
    /// The first half of the digest of record 1; equals the directory's name.
    public var id: UniqueID
    /// A reader that does not know one of these must not read the vault. `Feature.log` is one.
    public var requiredFeatures: [String]
    /// A reader that does not know one of these may read, but not write.
    public var optionalFeatures: [String]

    public init(
        id: UniqueID, requiredFeatures: [String] = [Feature.log], optionalFeatures: [String] = []
    ) {
        self.id = id
        self.requiredFeatures = requiredFeatures
        self.optionalFeatures = optionalFeatures
    }

    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 128)
        writer.list(requiredFeatures) { $0.text($1, max: Limits.nameBytesMax) }
        writer.list(optionalFeatures) { $0.text($1, max: Limits.nameBytesMax) }
        writer.uniqueID(id)
        return SealedRecord.encode(.vaultIdentity, body: writer.bytes)
    }

    /// Throws `unsupportedFeature` for a vault that needs what this code does not know, and
    /// `unsupportedVersion` for the record of a vault of version 1: that is a `VaultRecord`.
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> VaultIdentity {
        try SealedRecord.decode(.vaultIdentity, from: bytes) { reader throws(FormatError) in
            let required = try reader.features("required features")
            for feature in required where !Feature.knownInLog.contains(feature) {
                throw .unsupportedFeature(feature)
            }
            guard required.contains(Feature.log) else {
                throw .invalidField(.vaultIdentity, field: "required features")
            }
            let optional = try reader.features("optional features")
            return VaultIdentity(
                id: try reader.uniqueID(), requiredFeatures: required, optionalFeatures: optional)
        }.value
    }
}

extension ByteReader {
    mutating func features(_ field: String) throws(FormatError) -> [String] {
        try list(field, max: Limits.featuresMax) { reader throws(FormatError) in
            try reader.text("feature", max: Limits.nameBytesMax)
        }
    }
}
