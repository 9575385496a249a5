/// Objects of which no good copy is left, and that nothing waits for any longer.
public struct LostBody: Equatable, Sendable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        case pack = 1
        case point = 2
        case run = 3
    }

    public struct Object: Hashable, Sendable {
        public var kind: Kind
        public var name: Digest

        public init(_ kind: Kind, _ name: Digest) {
            self.kind = kind
            self.name = name
        }
    }

    /// At least one, none twice.
    public var objects: [Object]
    /// Private.
    public var reason: String

    public init(objects: [Object], reason: String) {
        self.objects = objects
        self.reason = reason
    }
}

extension LostBody: LogBodyFields {
    /// By kind, then by name.
    private static func isBefore(_ left: Object, _ right: Object) -> Bool {
        left.kind == right.kind
            ? left.name < right.name : left.kind.rawValue < right.kind.rawValue
    }

    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        open.longList(objects.sorted(by: Self.isBefore)) { writer, object in
            writer.integer(object.kind.rawValue)
            writer.digest(object.name)
        }
        hidden.text(reason)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        objects = try open.longList("lost objects", elementBytes: 1 + Digest.byteCount) {
            reader throws(FormatError) in
            guard let kind = Kind(rawValue: try reader.uint8()) else {
                throw reader.invalid("lost objects")
            }
            return Object(kind, try reader.digest())
        }
        guard !objects.isEmpty, objects.ascends(by: Self.isBefore) else {
            throw open.invalid("lost objects")
        }
        reason = try hidden.text("reason")
    }
}
