/// The fields that structures of the log have in common.
extension ByteReader {
    mutating func keyID() throws(FormatError) -> KeyID { KeyID(raw: try uniqueID()) }

    mutating func signature() throws(FormatError) -> [UInt8] {
        Array(try bytes(Signature.byteCount))
    }

    mutating func publicKey() throws(FormatError) -> PublicKeyBytes {
        let raw = try bytes(PublicKeyBytes.byteCount)
        guard let key = PublicKeyBytes(raw) else { throw invalid("public key") }
        return key
    }

    /// A number of a record.
    mutating func recordNumber(_ field: String = "number") throws(FormatError) -> UInt64 {
        let number = try uint64()
        guard 1...Limits.sequenceMax ~= number else { throw invalid(field) }
        return number
    }

    /// 0 or 1.
    mutating func flag(_ field: String) throws(FormatError) -> Bool {
        let value = try uint8()
        guard value <= 1 else { throw invalid(field) }
        return value == 1
    }

    mutating func optionalDigest(_ field: String) throws(FormatError) -> Digest? {
        try flag(field) ? try digest() : nil
    }

    /// A list with a count of 32 bits.
    /// - Parameters:
    ///   - max: bounds the count.
    ///   - elementBytes: what an element has at least: bounds it by the bytes that are there.
    mutating func longList<T>(
        _ field: String, max: Int = Limits.logListMax, elementBytes: Int,
        _ element: (inout ByteReader) throws(FormatError) -> T
    ) throws(FormatError) -> [T] {
        let count = Int(try uint32())
        guard count <= max, count <= remaining / elementBytes else { throw invalid(field) }
        var elements: [T] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }

    /// A list of digests in ascending order, of which none is there twice.
    mutating func digests(_ field: String, min: Int = 0) throws(FormatError) -> [Digest] {
        let digests = try longList(field, elementBytes: Digest.byteCount) {
            reader throws(FormatError) in try reader.digest()
        }
        guard digests.count >= min, digests.ascends(by: <) else { throw invalid(field) }
        return digests
    }

    /// A length of 32 bits, and that many bytes.
    mutating func block(_ field: String, max: Int) throws(FormatError) -> UnsafeRawBufferPointer {
        let count = Int(try uint32())
        guard count <= max else { throw invalid(field) }
        return try bytes(count)
    }

    /// Magic, version 1 and two reserved bytes: how a structure of the log starts that is not a
    /// sealed record. Without a seal nothing tells a version to come from a damaged one, but no
    /// version has the number 0.
    mutating func logHeader(_ magic: String) throws(FormatError) {
        guard try bytes(8).elementsEqual(magic.utf8) else { throw .badMagic(structure) }
        let version = try uint16()
        guard version != 0 else { throw invalid("version") }
        guard version == 1 else { throw .unsupportedVersion(structure, version: version) }
        try zeros(2, "reserved")
    }

    func invalid(_ field: String) -> FormatError { .invalidField(structure, field: field) }
}

extension ByteWriter {
    mutating func keyID(_ id: KeyID) { uniqueID(id.raw) }

    mutating func signature(_ signature: [UInt8]) {
        precondition(signature.count == Signature.byteCount, "not the length of a signature")
        append(signature)
    }

    mutating func flag(_ value: Bool) { integer(UInt8(value ? 1 : 0)) }

    mutating func longList<T>(_ elements: [T], _ write: (inout ByteWriter, T) -> Void) {
        integer(UInt32(elements.count))
        for element in elements { write(&self, element) }
    }

    /// In ascending order, which is the only one that readers take.
    mutating func digests(_ digests: [Digest]) { longList(digests.sorted()) { $0.digest($1) } }

    mutating func block(_ bytes: [UInt8]) {
        integer(UInt32(bytes.count))
        append(bytes)
    }

    mutating func logHeader(_ magic: String) {
        append(Array(magic.utf8))
        integer(UInt16(1))
        zeros(2)
    }
}

extension Array {
    /// Whether each element comes before the next one, and so none is there twice.
    func ascends(by isBefore: (Element, Element) -> Bool) -> Bool {
        zip(self, dropFirst()).allSatisfy(isBefore)
    }
}

extension [UInt8] {
    /// Reads these bytes to their end as one structure.
    func parsed<T>(
        as structure: Structure, _ parse: (inout ByteReader) throws(FormatError) -> T
    ) throws(FormatError) -> T {
        let result = withUnsafeBytes { raw -> Result<T, FormatError> in
            do throws(FormatError) {
                var reader = ByteReader(raw, of: structure)
                let value = try parse(&reader)
                try reader.finish()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
