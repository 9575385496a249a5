public import KuraIO
public import KuraReplicas
internal import SystemPackage

extension S3Store {
    public func cell(_ name: StoreName, max: Int) throws(IOError) -> Cell? {
        let part = try client.read(
            key(name), at: 0, count: Swift.max(1, max), into: nil, place: address(of: name))
        guard let part else { return nil }
        guard part.byteCount <= UInt64(max) else {
            throw IOError("read", place: address(of: name), .fileTooLarge)
        }
        if let tag = part.tag { return Cell(bytes: part.bytes, tag: Self.tag(tag)) }
        // The answer to a range of an empty object may have no tag.
        guard let reply = try client.head(key(name), place: address(of: name)) else { return nil }
        return Cell(bytes: part.bytes, tag: try tag(of: reply, name))
    }

    public func swap(
        _ name: StoreName, _ bytes: [UInt8], expecting: Cell.Tag?
    ) throws(IOError) -> Cell.Tag? {
        guard let form = abilities.swaps else {
            return try swapAlone(name, bytes, expecting: expecting)
        }
        let writer = Self.newWriter()
        let condition = expecting.map { WriteCondition.tag($0.value(form)) } ?? .absent
        let (request, reply) = try putBytes(name, bytes, condition: condition, writer: writer)
        guard let error = reply.error else {
            if reply.tag != nil { return try tag(of: reply, name) }
            return try tagWritten(by: writer, name)
        }
        guard error.isPreconditionFailed || error.isNoSuchObject else {
            throw client.failure(request, reply)
        }
        // Not written; or written by a try whose answer was lost, and perhaps replaced since.
        return reply.wasUnclear ? try tagWritten(by: writer, name) : nil
    }

    /// The tag of a cell that a put of this call wrote. Throws `outcome unknown` where another put
    /// is seen: it may have come after this one.
    private func tagWritten(by writer: String, _ name: StoreName) throws(IOError) -> Cell.Tag {
        let reply = try client.head(key(name), place: address(of: name))
        if let reply, reply.answer.headers[S3Client.writerHeader] == writer {
            return try tag(of: reply, name)
        }
        throw IOError("write", place: address(of: name), .ioError, isOutcomeUnknown: true)
    }

    /// For one writer alone: looks first, and writes then.
    private func swapAlone(
        _ name: StoreName, _ bytes: [UInt8], expecting: Cell.Tag?
    ) throws(IOError) -> Cell.Tag? {
        turn.take()
        defer { turn.give(()) }
        let found = try client.head(key(name), place: address(of: name))
        guard try found.map({ (reply) throws(IOError) in try tag(of: reply, name) }) == expecting
        else { return nil }
        let (request, reply) = try putBytes(
            name, bytes, condition: .none, writer: Self.newWriter())
        guard reply.error == nil else { throw client.failure(request, reply) }
        return try tag(of: reply, name)
    }

    private func putBytes(
        _ name: StoreName, _ bytes: [UInt8], condition: WriteCondition, writer: String
    ) throws(IOError) -> (request: S3Request, reply: S3Reply) {
        let result = bytes.withUnsafeBytes { raw -> Result<(S3Request, S3Reply), IOError> in
            do throws(IOError) {
                let done = try client.put(
                    key(name), [raw], condition: condition, writer: writer,
                    place: address(of: name))
                return .success((done.request, done.reply))
            } catch {
                return .failure(error)
            }
        }
        let (request, reply) = try result.get()
        return (request, reply)
    }

    func tag(of reply: S3Reply, _ name: StoreName) throws(IOError) -> Cell.Tag {
        guard let tag = reply.tag else {
            throw IOError(
                "read", place: address(of: name), .ioError,
                detail: "the server tells no tag of the object")
        }
        return Self.tag(tag)
    }

    /// Kept without quotes: servers differ in them.
    static func tag(_ text: String) -> Cell.Tag {
        Cell.Tag(text.filter { $0 != "\"" })
    }
}

extension Cell.Tag {
    fileprivate func value(_ form: ServerAbilities.TagForm) -> String {
        form == .quoted ? "\"\(value)\"" : value
    }
}
