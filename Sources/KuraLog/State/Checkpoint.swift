package import KuraFormat
package import KuraIO
internal import KuraSeal

/// A state as it is written down: a root, and the pages that no earlier checkpoint has.
package struct Checkpoint: Sendable {
    /// What a later record has to say for the checkpoint to count.
    package let body: CheckpointBody
    package let root: [UInt8]
    /// Pages to be put before the root, by name.
    package let pages: [Digest: [UInt8]]
}

extension VaultState {
    private static var tables: [(StatePage.Kind, WritableKeyPath<VaultState, StateTable>)] {
        [
            (.points, \.points), (.runs, \.runs), (.settings, \.settings), (.packs, \.packs),
            (.lost, \.lost), (.segments, \.segments), (.branches, \.branches), (.names, \.names),
        ]
    }

    // MARK: When

    /// Records behind the newest checkpoint that are worth no new one.
    package static let tailMin: UInt64 = 128
    /// Records behind it that are always worth one: each takes two signatures to be believed.
    package static let tailMax: UInt64 = 4096

    /// Whether a checkpoint should be written: the tail is long, and the state is another by an
    /// eighth, so that pages are not written again and again for little.
    package var isCheckpointDue: Bool {
        guard let position else { return false }
        let newest = max(checkpoint?.number ?? 0, isOriginNamed ? origin?.number ?? 0 : 0)
        let tail = position.number - min(newest, position.number)
        guard tail > Self.tailMin else { return false }
        let tables = Self.tables.map { self[keyPath: $0.1] }
        let changed = tables.reduce(0) { $0 + UInt64($1.changes.count) }
        let all = PageTree.sum(tables.map(\.count))
        return tail > Self.tailMax || changed >= all / 8
    }

    // MARK: Writing

    /// Equal for every program that has this state.
    package func makeCheckpoint() throws(KuraError) -> Checkpoint {
        guard let head else {
            throw KuraError(.invalidInput, "a log without records has no checkpoint")
        }
        guard unknown == nil else { throw unknownError }
        var pages: [CheckpointRoot.Pages] = []
        var made: [Digest: [UInt8]] = [:]
        for (kind, path) in Self.tables {
            let table = self[keyPath: path]
            var builder = PageBuilder(vault: head.vault, kind: kind)
            if let built = try builder.build(table) { pages.append(built) }
            var new = builder.made
            if let base = table.base, !new.isEmpty {
                for name in try base.pageNames() { new[name] = nil }
            }
            made.merge(new) { _, new in new }
        }
        let root = CheckpointRoot(
            vault: head.vault, position: head.position, epoch: head.epoch,
            activeRegion: head.activeRegion, settings: head.settings,
            members: head.members.values.sorted { $0.region < $1.region },
            keys: head.keys.values.sorted { $0.body.id.hex < $1.body.id.hex },
            pages: pages)
        let (bytes, name) = root.encoded()
        return Checkpoint(
            body: CheckpointBody(number: head.position.number, root: name), root: bytes,
            pages: made)
    }

    /// Reads from the pages of a checkpoint of this very state from now on.
    ///
    /// - Parameter source: has them all.
    package mutating func settle(
        on checkpoint: Checkpoint, pages source: any PageSource
    ) throws(KuraError) {
        let read = try VaultState(
            checkpoint.body, root: checkpoint.root, pages: source, view: view)
        guard read.position == position else {
            throw KuraError(.invalidInput, "the checkpoint is of another record")
        }
        for (_, path) in Self.tables { self[keyPath: path] = read[keyPath: path] }
        origin = checkpoint.body
        isOriginNamed = false
    }

    // MARK: Reading

    /// The state that a checkpoint says, without reading any page. It counts only when a record
    /// behind it names it: `isOriginNamed`, once the records behind it are applied.
    ///
    /// - Parameters:
    ///   - body: as a hint or a record names it.
    ///   - root: bytes that may be hostile.
    package init(
        _ body: CheckpointBody, root: [UInt8], pages source: any PageSource, view: View = View()
    ) throws(KuraError) {
        let read: CheckpointRoot
        do throws(FormatError) {
            let (decoded, name) = try CheckpointRoot.decode(root)
            guard name == body.root, decoded.position.number == body.number else {
                throw .invalidField(.checkpoint, field: "name")
            }
            read = decoded
        } catch {
            throw KuraError(format: error, at: nil)
        }
        self.init(view: view)
        var head = Head(
            vault: read.vault, position: read.position, epoch: read.epoch,
            activeRegion: read.activeRegion, settings: read.settings, members: [:], keys: [:])
        for members in read.members { head.members[members.region] = members }
        for key in read.keys {
            head.keys[key.body.id] = key
            knownKeys[key.body.id] = key.body.key
        }
        knownKeys[KeyID(of: read.settings.rootKey)] = read.settings.rootKey
        self.head = head
        origin = body
        let cache = PageCache(source)
        let paths = Dictionary(uniqueKeysWithValues: Self.tables)
        for pages in read.pages {
            guard let path = paths[pages.kind] else { continue }
            self[keyPath: path] = StateTable(
                pages.kind,
                base: PageTree(
                    vault: read.vault, kind: pages.kind, level: pages.level, top: pages.pages,
                    cache: cache))
        }
    }

    /// Admitted keys for which neither record 1 nor the root key speaks.
    ///
    /// - Parameter first: record 1, whose digest is the id of the vault. Nil: not read.
    package func keysWithoutProof(first: LogRecord.Encoded? = nil) -> [CheckpointRoot.Key] {
        guard let head else { return [] }
        let root = PublicKey(known: head.settings.rootKey)
        let bodies = first.map { $0.vault == head.vault ? $0.record.bodies : [] } ?? []
        return keys.filter { key in
            guard let previous = key.previous else { return !bodies.contains(.key(key.body)) }
            return !root.isValid(
                key.body.rootSignature,
                for: key.body.bytesToSign(vault: head.vault, previous: previous))
        }
    }

    /// The state of the checkpoint that a hint names. Nil where the hint, or what it names, is
    /// missing, damaged or of another vault: a hint only saves reading.
    ///
    /// - Parameters:
    ///   - hint: bytes that may be hostile.
    ///   - root: reads the bytes of a root; nil where it is not there.
    package static func hinted(
        by hint: [UInt8], of vault: UniqueID, pages: any PageSource, view: View = View(),
        root: (CheckpointBody) throws(KuraError) -> [UInt8]?
    ) throws(KuraError) -> VaultState? {
        let named: CheckpointHint
        do throws(FormatError) {
            named = try CheckpointHint.decode(hint)
        } catch {
            return nil
        }
        guard named.vault == vault, let bytes = try root(named.checkpoint) else { return nil }
        do throws(KuraError) {
            let state = try VaultState(named.checkpoint, root: bytes, pages: pages, view: view)
            return state.vault == vault ? state : nil
        } catch {
            guard error.code == .damaged || error.code == .unsupported else { throw error }
            return nil
        }
    }

    private var unknownError: KuraError {
        KuraError(
            .unsupported, "the log has what this Kura does not know, so it writes nothing",
            remedy: .useNewerKura)
    }
}
