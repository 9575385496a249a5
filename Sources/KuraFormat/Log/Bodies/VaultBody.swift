/// What a vault is: the first body of record 1, and again whenever something of it changes.
public struct VaultBody: Equatable, Sendable {
    public enum State: UInt8, Sendable, CaseIterable {
        case usable = 0
        /// Hidden from those who do not ask for deleted vaults; can be made usable again.
        case softDeleted = 1
    }

    /// A reader that does not know one of these must not read the vault.
    public var requiredFeatures: [String]
    /// A reader that does not know one of these may read, but not write.
    public var optionalFeatures: [String]
    public var name: String
    /// Where the vault was created.
    public var region: UniqueID
    /// The region that gets an asynchronous copy.
    public var pair: UniqueID?
    public var redundancy: Redundancy
    /// Replicas of a region that hold the vault, 1...`Limits.replicasMax`.
    public var copies: UInt8
    /// Replicas in which a record is whole before it is acknowledged, 1...`copies`.
    public var minCopies: UInt8
    public var chunker: ChunkerKind
    /// A power of two in `VaultRecord.chunkBytesMeanRange`.
    public var chunkBytesMean: UInt32
    public var state: State
    /// Admits and removes the keys that sign. Record 1 sets it, and only a rekey changes it.
    public var rootKey: PublicKeyBytes
    /// Keys the authentication codes of chunks. Private.
    public var macKey: MACKey?

    public init(
        requiredFeatures: [String], optionalFeatures: [String] = [], name: String,
        region: UniqueID, pair: UniqueID? = nil, redundancy: Redundancy, copies: UInt8,
        minCopies: UInt8, chunker: ChunkerKind, chunkBytesMean: UInt32, state: State = .usable,
        rootKey: PublicKeyBytes, macKey: MACKey?
    ) {
        self.requiredFeatures = requiredFeatures
        self.optionalFeatures = optionalFeatures
        self.name = name
        self.region = region
        self.pair = pair
        self.redundancy = redundancy
        self.copies = copies
        self.minCopies = minCopies
        self.chunker = chunker
        self.chunkBytesMean = chunkBytesMean
        self.state = state
        self.rootKey = rootKey
        self.macKey = macKey
    }
}

extension VaultBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.list(requiredFeatures) { $0.text($1, max: Limits.nameBytesMax) }
        open.list(optionalFeatures) { $0.text($1, max: Limits.nameBytesMax) }
        open.text(name, max: Limits.nameBytesMax)
        open.uniqueID(region)
        open.flag(pair != nil)
        if let pair { open.uniqueID(pair) }
        open.integer(redundancy.rawValue)
        open.integer(copies)
        open.integer(minCopies)
        open.text(chunker.rawValue, max: Limits.nameBytesMax)
        open.integer(chunkBytesMean)
        open.integer(state.rawValue)
        open.append(rootKey.bytes)
        hidden.flag(macKey != nil)
        if let macKey { hidden.digest(macKey.bytes) }
    }

    /// Throws `unsupportedFeature` where the vault needs what this code does not know.
    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        requiredFeatures = try open.features("required features")
        for feature in requiredFeatures where !Feature.knownInLog.contains(feature) {
            throw .unsupportedFeature(feature)
        }
        optionalFeatures = try open.features("optional features")
        name = try open.name("name")
        region = try open.uniqueID()
        pair = try open.flag("pair") ? try open.uniqueID() : nil
        guard pair != region else { throw open.invalid("pair") }
        guard let redundancy = Redundancy(rawValue: try open.uint8()) else {
            throw open.invalid("redundancy")
        }
        self.redundancy = redundancy
        copies = try open.uint8()
        minCopies = try open.uint8()
        guard 1...UInt8(Limits.replicasMax) ~= copies, 1...copies ~= minCopies else {
            throw open.invalid("copies")
        }
        let chunkerName = try open.text("chunker", max: Limits.nameBytesMax)
        guard let chunker = ChunkerKind(rawValue: chunkerName) else {
            throw .unsupportedFeature(chunkerName)
        }
        self.chunker = chunker
        chunkBytesMean = try open.uint32()
        guard VaultRecord.chunkBytesMeanRange ~= chunkBytesMean,
            chunkBytesMean.nonzeroBitCount == 1
        else { throw open.invalid("mean chunk size") }
        guard let state = State(rawValue: try open.uint8()) else { throw open.invalid("state") }
        self.state = state
        rootKey = try open.publicKey()
        macKey = try hidden.flag("key") ? MACKey(try hidden.digest()) : nil
    }
}
