/// A body of a type that this code does not know, kept as it is.
public struct UnknownBody: Equatable, Sendable, LogBodyFields {
    /// A number that `LogBody.Kind` has not; 0 is none.
    public let type: UInt16
    /// True: a reader must not show or restore anything, the vault is too new.
    public let mustUnderstand: Bool
    public let open: [UInt8]
    public let hidden: [UInt8]

    static let mustUnderstandFlag: UInt16 = 1

    /// Nil for a type that this code knows, and for 0.
    public init?(type: UInt16, mustUnderstand: Bool, open: [UInt8], hidden: [UInt8]) {
        guard type != 0, LogBody.Kind(rawValue: type) == nil else { return nil }
        self.type = type
        self.mustUnderstand = mustUnderstand
        self.open = open
        self.hidden = hidden
    }

    init(
        type: UInt16, flags: UInt16, open: UnsafeRawBufferPointer, hidden: UnsafeRawBufferPointer
    ) throws(FormatError) {
        guard type != 0 else { throw .invalidField(.logRecord, field: "type of a body") }
        guard flags <= Self.mustUnderstandFlag else {
            throw .invalidField(.logRecord, field: "flags of a body")
        }
        self.type = type
        mustUnderstand = flags == Self.mustUnderstandFlag
        self.open = Array(open)
        self.hidden = Array(hidden)
    }
}

extension UnknownBody {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.append(self.open)
        hidden.append(self.hidden)
    }
}
