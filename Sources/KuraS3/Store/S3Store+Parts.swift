internal import KuraCodec
public import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import Synchronization
internal import SystemPackage

// A long object is sent in parts. While that lasts, a mark in the vault's folder of drafts names
// its owner and its key. If the writer dies, the parts and the mark stay: the same object that is
// sent again uses the parts, and when the owner has ended, `removeDrafts` drops both.
extension S3Store {
    private static let markBytesMax = 4096
    private static let rounds = 3
    private static let partsMax: UInt64 = 10_000

    /// Sends a long object.
    func sendParts(
        of source: some PartSource, as name: StoreName, _ condition: PutCondition,
        by owner: UniqueID
    ) throws(IOError) -> PutOutcome {
        if condition != .replacing, let isEqual = try isEqual(name, to: source) {
            if isEqual || condition == .ifAbsent { return .existed(isEqual: isEqual) }
        }
        let mark = try mark(name, by: owner)
        let outcome = try sendRounds(of: source, as: name, condition)
        if let mark { try delete([mark]) }
        return outcome
    }

    private func sendRounds(
        of source: some PartSource, as name: StoreName, _ condition: PutCondition
    ) throws(IOError) -> PutOutcome {
        let place = address(of: name)
        // What a damaged object gives way to has no condition; the first look has found it.
        let isAbsent = condition == .ifAbsent && abilities.putsIfAbsent
        for _ in 0..<Self.rounds {
            let writer = Self.newWriter()
            let started = try client.uploads(of: key(name), place: place).last
            let upload: PartedUpload
            if let started {
                upload = started
            } else {
                upload = try client.begin(key(name), writer: writer, place: place)
            }
            let parts = try send(source, to: upload, goesOn: started != nil)
            // Another session has dropped the upload, or made the object of it.
            guard let parts else {
                if condition != .replacing, try isEqual(name, to: source) == true {
                    return .existed(isEqual: true)
                }
                continue
            }
            let (request, reply) = try client.complete(
                upload, parts, condition: isAbsent ? .absent : .none)
            guard let error = reply.error else { return .written }
            if error.isPreconditionFailed {
                if let isEqual = try isEqual(name, to: source) {
                    // Not where the parts may be another writer's, too.
                    if !isEqual || started == nil { try client.abort(upload) }
                    return reply.wasUnclear && isEqual ? .written : .existed(isEqual: isEqual)
                }
            } else if error.isNoSuchUpload {
                if try isEqual(name, to: source) == true { return .written }
            } else {
                throw client.failure(request, reply)
            }
        }
        throw IOError(
            "write", place: place, .ioError, isOutcomeUnknown: condition == .replacing,
            detail: "other writers dropped its parts again and again")
    }

    /// Sends the parts that the server does not have.
    /// - Returns: nil where the server does not know the upload any more.
    private func send(
        _ source: some PartSource, to upload: PartedUpload, goesOn: Bool
    ) throws(IOError) -> [SentPart]? {
        var known: [Int: (tag: String, byteCount: Int)] = [:]
        if goesOn {
            guard let parts = try client.parts(of: upload) else { return nil }
            known = parts
        }
        let ranges = ranges(of: source.byteCount)
        let found = known
        let next = Atomic<Int>(0)
        let results = Mutex<(parts: [SentPart], failure: IOError?, isGone: Bool)>(([], nil, false))
        Threads.run(min(client.options.partsAtOnce, ranges.count)) { _ in
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < ranges.count,
                    results.withLock({ $0.failure == nil && !$0.isGone })
                else { return }
                do throws(IOError) {
                    let part = try source.withPart(ranges[index]) { pieces throws(IOError) in
                        try send(pieces, number: index + 1, to: upload, known: found[index + 1])
                    }
                    results.withLock { results in
                        if let part { results.parts.append(part) } else { results.isGone = true }
                    }
                } catch {
                    results.withLock { $0.failure = $0.failure ?? error }
                }
            }
        }
        let (parts, failure, isGone) = results.withLock { $0 }
        if let failure { throw failure }
        return isGone ? nil : parts.sorted { $0.number < $1.number }
    }

    private func send(
        _ pieces: [UnsafeRawBufferPointer], number: Int, to upload: PartedUpload,
        known: (tag: String, byteCount: Int)?
    ) throws(IOError) -> SentPart? {
        if let known, known.byteCount == pieces.reduce(0, { $0 + $1.count }),
            Self.tag(known.tag).value == MessageCode.hex(MD5.digest(pieces))
        {
            let digest = ChunkHasher.digest(pieces: pieces)
            return SentPart(
                number: number, tag: known.tag,
                checksum: Base64.text(digest.bytes))
        }
        return try client.send(part: number, pieces, of: upload)
    }

    /// All parts have one length, but for the last, which may be shorter; there are at most as many
    /// as a server takes.
    private func ranges(of byteCount: UInt64) -> [Range<UInt64>] {
        var length = UInt64(client.options.partBytes)
        while byteCount / length >= Self.partsMax { length *= 2 }
        return stride(from: 0, to: byteCount, by: Int(length)).map { start in
            start..<min(byteCount, start + length)
        }
    }

    /// Whether an object has these bytes, which are read.
    /// - Returns: nil where there is none.
    private func isEqual(
        _ name: StoreName, to source: some PartSource
    ) throws(IOError) -> Bool? {
        let place = address(of: name)
        guard let reply = try client.head(key(name), place: place) else { return nil }
        guard reply.answer.headers["content-length"].flatMap({ UInt64($0) }) == source.byteCount
        else { return false }
        for range in ranges(of: source.byteCount) {
            let isEqual = try source.withPart(range) { pieces throws(IOError) in
                try client.isEqual(key(name), to: pieces, from: range.lowerBound, place: place)
            }
            guard let isEqual else { return nil }
            if !isEqual { return false }
        }
        return true
    }

    // MARK: Marks

    /// Writes down whose parts of what are sent; nil outside of all vaults.
    private func mark(_ name: StoreName, by owner: UniqueID) throws(IOError) -> StoreName? {
        guard let vault = Layout.vault(of: name.folder) else { return nil }
        let mark = vault.folder(Layout.temporary).object("\(owner.hex)-\(Self.newWriter())")
        try put(mark, Array(name.key.utf8), condition: .replacing, by: owner)
        return mark
    }

    public func removeDrafts(
        in vault: UniqueID, where isGone: (UniqueID) -> Bool
    ) throws(IOError) {
        drafts.remove(in: Layout.vault(vault), where: isGone)
        let folder = Layout.vault(vault).folder(Layout.temporary)
        let prefix = "\(client.address.key(folder.key))/"
        var token: String?
        repeat {
            let page = try client.list(
                prefix, groups: true, after: token, place: address(of: folder))
            token = page.next
            for key in page.keys {
                let leaf = key.dropFirst(prefix.count)
                guard let owner = UniqueID(hex: String(leaf.prefix(32))), isGone(owner),
                    StoreFolder.isValid(String(leaf)), !leaf.contains("/")
                else { continue }
                try remove(mark: folder.object(leaf))
            }
        } while token != nil
    }

    private func remove(mark: StoreName) throws(IOError) {
        do throws(IOError) {
            let key = String(decoding: try contents(mark, max: Self.markBytesMax), as: UTF8.self)
            // Only what a store could have written there.
            if !key.isEmpty, StoreFolder.isValid(key) {
                let name = StoreName(key)
                for upload in try client.uploads(of: self.key(name), place: address(of: name)) {
                    try client.abort(upload)
                }
            }
        } catch {
            if !error.isNotFound { throw error }
        }
        try delete([mark])
    }
}
