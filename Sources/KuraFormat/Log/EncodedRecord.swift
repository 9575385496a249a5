extension LogRecord {
    /// A record as it was written, with the digest that is its name.
    public struct Encoded: Equatable, Sendable {
        /// All of it, with the signature.
        public let bytes: [UInt8]
        /// SHA-256 of `bytes`.
        public let digest: Digest
        public let record: LogRecord
        public let signer: KeyID
        /// `Signature.byteCount` bytes, which are not checked here.
        public let signature: [UInt8]

        /// The id of the vault that the record is of: record 1 makes it.
        public var vault: UniqueID { record.vault ?? UniqueID(firstHalfOf: digest) }

        public var number: UInt64 { record.number }

        /// What `signature` was made over.
        public var signedBytes: [UInt8] {
            LogRecord.bytesToSign(content: Array(bytes.dropLast(Signature.byteCount)))
        }
    }

    /// Puts content and signature together, and checks that they are a record that readers take.
    /// - Parameters:
    ///   - content: of `content(signer:)`.
    ///   - signature: made over `bytesToSign(content:)`.
    public static func encoded(
        content: [UInt8], signature: [UInt8]
    ) throws(FormatError) -> Encoded {
        try decode(content + signature)
    }

    /// Checks structure, not signatures.
    public static func decode(_ bytes: [UInt8]) throws(FormatError) -> Encoded {
        try bytes.parsed(as: .logRecord) { reader throws(FormatError) in
            try Encoded(reading: &reader)
        }
    }
}

extension LogRecord.Encoded {
    /// Reads one record, and leaves what is behind it.
    init(reading reader: inout ByteReader) throws(FormatError) {
        let start = reader.offset
        try reader.logHeader(LogRecord.magic)
        let length = Int(try reader.uint32())
        guard length <= Limits.logRecordBytesMax - 16 else { throw reader.invalid("length") }
        let rest = try reader.bytes(length)
        let all = reader.bytes(since: start)
        var body = ByteReader(rest, of: .logRecord)
        record = try LogRecord(reading: &body)
        signer = try body.keyID()
        signature = try body.signature()
        try body.finish()
        bytes = Array(all)
        digest = SHA256.digest(all)
    }
}

extension LogRecord {
    /// The fields between the length and the signer.
    fileprivate init(reading reader: inout ByteReader) throws(FormatError) {
        let vault = try reader.uniqueID()
        number = try reader.recordNumber()
        let previous = try reader.digest()
        guard (number == 1) == (vault == .zero) else { throw reader.invalid("vault") }
        guard (number == 1) == (previous == .zero) else { throw reader.invalid("previous") }
        self.vault = number == 1 ? nil : vault
        self.previous = number == 1 ? nil : previous
        epoch = try reader.uint64()
        time = try reader.int64()
        salt = try reader.digest()
        guard try reader.uint32() == 0 else { throw .unsupportedFeature(Feature.sealed) }
        let open = try reader.block("public part", max: Limits.logRecordBytesMax)
        let hidden = try reader.block("private part", max: Limits.logRecordBytesMax)
        var openReader = ByteReader(open, of: .logRecord)
        var hiddenReader = ByteReader(hidden, of: .logRecord)
        guard let surface = Surface(rawValue: try openReader.uint8()) else {
            throw reader.invalid("surface")
        }
        self.surface = surface
        actor = try hiddenReader.name("actor")
        operation = try hiddenReader.name("operation")
        note = try hiddenReader.text("note", max: Limits.journalTextBytesMax)
        let count = Int(try openReader.uint16())
        guard 1...Limits.logBodiesMax ~= count else { throw reader.invalid("bodies") }
        bodies = []
        for _ in 0..<count {
            bodies.append(try LogBody(open: &openReader, hidden: &hiddenReader))
        }
        try openReader.finish()
        try hiddenReader.finish()
        try checkFirst(&reader)
    }

    /// Record 1 makes the vault, and no other does. Its keys need no signature of the root: the
    /// root signs the record.
    private func checkFirst(_ reader: inout ByteReader) throws(FormatError) {
        guard number == 1 else { return }
        guard case .vault = bodies.first else { throw reader.invalid("bodies of record 1") }
        for case .key(let key) in bodies where key.rootSignature != Signature.none {
            throw reader.invalid("root signature")
        }
    }
}
