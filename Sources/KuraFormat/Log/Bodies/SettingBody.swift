/// A setting that changes: a policy, an item, an assignment. All of it is private.
public struct SettingBody: Equatable, Sendable {
    /// "policy/gold", "item/web-1". 1...`Limits.journalSubjectBytesMax` bytes.
    public var subject: String
    /// The setting before: canonical JSON; empty when there was none.
    public var before: String
    /// The setting after: canonical JSON; empty when it is gone.
    public var after: String

    public init(subject: String, before: String, after: String) {
        self.subject = subject
        self.before = before
        self.after = after
    }
}

extension SettingBody: LogBodyFields {
    func write(open: inout ByteWriter, hidden: inout ByteWriter) {
        hidden.text(subject)
        hidden.text(before, max: Limits.journalTextBytesMax)
        hidden.text(after, max: Limits.journalTextBytesMax)
    }

    init(open: inout ByteReader, hidden: inout ByteReader) throws(FormatError) {
        subject = try hidden.text("subject", max: Limits.journalSubjectBytesMax)
        guard !subject.isEmpty else { throw hidden.invalid("subject") }
        before = try hidden.text("before", max: Limits.journalTextBytesMax)
        after = try hidden.text("after", max: Limits.journalTextBytesMax)
    }
}
