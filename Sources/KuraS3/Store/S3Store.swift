public import KuraFormat
public import KuraIO
public import KuraReplicas
internal import Synchronization
internal import SystemPackage

/// A store in a bucket: an object under each name, below a prefix.
///
/// An object is durable when the server has said that it has it. What may have been done although
/// its answer was lost is looked up where that tells, and thrown as `outcome unknown` otherwise.
public final class S3Store: Store {
    package let client: S3Client
    let abilities: ServerAbilities
    /// Where there are no conditions, one caller at a time looks and writes.
    let turn = Pool<Void>([()])
    let drafts = DraftList()
    let leases: LeaseKeeper

    /// Bytes that are read when an object is opened: all of a small record.
    private static let openingBytes = 64 << 10
    /// How often bytes are read again that are not those that were written.
    private static let readAttempts = 3
    /// How often a name is put again that was there and is gone.
    private static let goneAttempts = 4
    /// Tells that a store was created here. It is no object of the store.
    private static let markName = ".kura-store"
    private static let mark = "This prefix of the bucket holds a replica of a Kura region.\n"
    private static let deletesAtOnce = 1000

    package init(_ client: S3Client, _ abilities: ServerAbilities) {
        self.client = client
        self.abilities = abilities
        leases = LeaseKeeper(interval: client.options.lease / 15)
    }

    public convenience init(
        _ address: BucketAddress, _ credentials: S3Credentials, options: S3Options = S3Options(),
        abilities: ServerAbilities, cancellation: Cancellation = Cancellation()
    ) {
        self.init(
            S3Client(
                address, credentials, options: options,
                surroundings: Surroundings(cancellation: cancellation)),
            abilities)
    }

    /// Opens a store by its address, with the credentials that are found for it. No request is
    /// made.
    /// - Parameter address: `s3+https://HOST/BUCKET/PREFIX`; see `BucketAddress`.
    public static func open(
        _ address: String, _ search: CredentialSearch, options: S3Options = S3Options(),
        abilities: ServerAbilities, cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> S3Store {
        let address = try BucketAddress(address)
        return S3Store(
            address, try search.credentials(for: address), options: options, abilities: abilities,
            cancellation: cancellation)
    }

    public var traits: StoreTraits {
        StoreTraits(
            isLocal: false, hasFolders: false, survivesDeleteWhileOpen: false,
            ordersListings: abilities.ordersListings,
            hasAtomicPutIfAbsent: abilities.putsIfAbsent, hasAtomicSwap: abilities.swaps != nil)
    }

    public var place: String { client.address.place }

    /// What was asked of the server so far.
    public var counts: RequestCounts { client.counts }

    func key(_ name: StoreName) -> String { client.address.key(name.key) }

    // MARK: Objects

    public func put(
        _ name: StoreName, _ pieces: [UnsafeRawBufferPointer], condition: PutCondition,
        by owner: UniqueID
    ) throws(IOError) -> PutOutcome {
        let source = PiecesSource(pieces: pieces)
        guard source.byteCount <= UInt64(client.options.wholeMax) else {
            return try sendParts(of: source, as: name, condition, by: owner)
        }
        if condition != .replacing {
            let outcome = try putIfAbsent(name, pieces)
            if condition == .ifAbsent || outcome != .existed(isEqual: false) { return outcome }
        }
        let (request, reply) = try client.put(
            key(name), pieces, condition: .none, writer: Self.newWriter(), place: address(of: name))
        guard reply.error == nil else { throw client.failure(request, reply) }
        return .written
    }

    static func newWriter() -> String { UniqueID.random().hex }

    private func putIfAbsent(
        _ name: StoreName, _ pieces: [UnsafeRawBufferPointer]
    ) throws(IOError) -> PutOutcome {
        guard abilities.putsIfAbsent else { return try putIfNotSeen(name, pieces) }
        let place = address(of: name)
        for _ in 0..<Self.goneAttempts {
            let writer = Self.newWriter()
            let (request, reply) = try client.put(
                key(name), pieces, condition: .absent, writer: writer, place: place)
            guard let error = reply.error else { return .written }
            guard error.isPreconditionFailed else { throw client.failure(request, reply) }
            // It may be this very put, whose first answer was lost.
            if reply.wasUnclear, try isWritten(by: writer, name) { return .written }
            if let isEqual = try client.isEqual(key(name), to: pieces, place: place) {
                return .existed(isEqual: isEqual)
            }
        }
        throw IOError(
            "write", place: place, .ioError,
            detail: "the server says that it is there, and that it is not")
    }

    /// For one writer alone: looks first, and writes then.
    private func putIfNotSeen(
        _ name: StoreName, _ pieces: [UnsafeRawBufferPointer]
    ) throws(IOError) -> PutOutcome {
        turn.take()
        defer { turn.give(()) }
        let place = address(of: name)
        if let isEqual = try client.isEqual(key(name), to: pieces, place: place) {
            return .existed(isEqual: isEqual)
        }
        let (request, reply) = try client.put(
            key(name), pieces, condition: .none, writer: Self.newWriter(), place: place)
        guard reply.error == nil else { throw client.failure(request, reply) }
        return .written
    }

    func isWritten(by writer: String, _ name: StoreName) throws(IOError) -> Bool {
        let found = try client.head(key(name), place: address(of: name))
        return found?.answer.headers[S3Client.writerHeader] == writer
    }

    public func upload(in folder: StoreFolder, by owner: UniqueID) throws(IOError) -> any Upload {
        S3Upload(self, in: folder, by: owner)
    }

    public func open(_ name: StoreName) throws(IOError) -> any ObjectReader {
        var attempt = 1
        while true {
            let part = try client.read(
                key(name), at: 0, count: Self.openingBytes, into: nil, place: address(of: name))
            guard let part else { throw IOError.notFound("read", place: address(of: name)) }
            // What the store gives is not what it was given: the way here may be at fault. If not,
            // those who read find out by their own checksums.
            if part.isAsWritten || attempt == Self.readAttempts {
                return S3Object(client, key(name), place: address(of: name), first: part)
            }
            attempt += 1
            client.reconnect()
        }
    }

    public func status(_ name: StoreName) throws(IOError) -> ObjectStatus {
        guard let reply = try client.head(key(name), place: address(of: name)) else {
            throw IOError.notFound("look at", place: address(of: name))
        }
        let headers = reply.answer.headers
        guard let length = headers["content-length"].flatMap({ UInt64($0) }),
            let modified = headers["last-modified"].flatMap({ HTTPDate.time($0) })
        else {
            throw IOError(
                "look at", place: address(of: name), .ioError,
                detail: "the server tells neither length nor time")
        }
        return ObjectStatus(byteCount: length, modified: modified)
    }

    public func list(_ folder: StoreFolder, after mark: ListMark?) throws(IOError) -> ListPage {
        // Uploads that are under way are no objects.
        if folder.isDrafts { return ListPage(names: [], next: nil) }
        let isDeep = Layout.isFannedOut(folder)
        let page = try page(of: folder, isDeep: isDeep, after: mark)
        let names = page.names.filter { folder != .root || $0 != Self.markName }
        return ListPage(names: names, next: page.next)
    }

    private func page(
        of folder: StoreFolder, isDeep: Bool, after mark: ListMark?
    ) throws(IOError) -> ListPage {
        let prefix =
            folder.key.isEmpty ? client.address.key("") : "\(client.address.key(folder.key))/"
        let page = try client.list(
            prefix, groups: !isDeep, after: mark?.value, place: address(of: folder))
        var names: [String] = []
        for key in page.keys {
            var rest = key.dropFirst(prefix.count)
            if rest.hasSuffix("/") { rest.removeLast() }
            let name = isDeep ? rest.split(separator: "/").last ?? "" : rest
            // Others may put anything into a bucket; what no store could hold is not listed.
            guard !name.isEmpty, !name.contains("/"), StoreFolder.isValid(String(name)) else {
                continue
            }
            names.append(String(name))
        }
        if !isDeep { names.sort() }
        return ListPage(names: names, next: page.next.map { ListMark($0) })
    }

    public func delete(_ names: [StoreName]) throws(IOError) {
        var rest = names[...]
        while let first = rest.first {
            // Of neighbours in one folder the order does not matter.
            let together = rest.prefix(Self.deletesAtOnce).prefix { $0.kind == first.kind }
            rest = rest.dropFirst(together.count)
            let places = Dictionary(
                together.map { (key($0), $0) }, uniquingKeysWith: { name, _ in name })
            try client.delete(together.map(key)) { key in
                places[key].map { address(of: $0) } ?? place
            }
        }
    }

    public func setAside(_ name: StoreName, as kept: StoreName) throws(IOError) {
        if try exists(kept) { throw IOError("write", place: address(of: kept), .fileExists) }
        guard try client.copy(key(name), to: key(kept), place: address(of: name)) else {
            throw IOError.notFound("set aside", place: address(of: name))
        }
        try client.delete(key(name), place: address(of: name))
    }

    public func makeDurable(_ names: [StoreName]) throws(IOError) {}

    // MARK: Places

    public func condition() throws(IOError) -> StoreCondition {
        guard try client.hasBucket(place: place) else { return .unreachable }
        var names: [String] = []
        var mark: ListMark?
        repeat {
            let page = try page(of: .root, isDeep: false, after: mark)
            names += page.names
            mark = page.next
        } while mark != nil
        if names.isEmpty { return .absent }
        return .present(names.filter { $0 != Self.markName })
    }

    /// Throws `refused` where requests leave this machine without TLS: others on the way could read
    /// and change what is stored.
    public func requireTrusted() throws(KuraError) {
        guard client.address.isInTheClear, !client.options.allowsClearText else { return }
        throw KuraError(
            .refused, "others on the network could read and change what is stored in \(place)",
            remedy: .anyOf([
                .advice("write \(BucketAddress.secureScheme):// in its address"),
                .region(.trustOwners),
            ]))
    }

    public func create() throws(IOError) {
        try put(
            StoreName(Self.markName), Array(Self.mark.utf8), condition: .replacing, by: .random())
    }

    public func prepare(vault: UniqueID) throws(IOError) {}

    public func prepare(_ folder: StoreFolder) throws(IOError) {}

    public func isPrepared(_ folder: StoreFolder) -> Bool { true }

    public func room() -> StoreRoom? { nil }
}

extension StoreFolder {
    /// Whether it is where a vault keeps what is not finished.
    fileprivate var isDrafts: Bool {
        key.hasSuffix("/\(Layout.temporary)")
            && Layout.vault(of: self)?.folder(Layout.temporary) == self
    }
}

extension StoreName {
    /// Equal for objects of one kind: packs are of one, although they lie in many folders.
    fileprivate var kind: StoreFolder {
        let parts = folder.key.split(separator: "/")
        return parts.count > 3 ? StoreFolder(parts.prefix(3).joined(separator: "/")) : folder
    }
}
