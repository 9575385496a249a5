internal import KuraFormat
package import KuraIO
package import KuraReplicas

/// A good copy of a file, and where its bytes came from.
package struct SoundCopy {
    enum Content {
        case bytes([UInt8])
        /// The copy of a run in a replica, which was read and found good just now. Its bytes are
        /// not in memory.
        case run(RunID, Replica, byteCount: UInt64)
    }

    var content: Content
    var source: RepairSource
    let vault: Vault

    package var byteCount: UInt64 {
        switch content {
        case .bytes(let bytes): UInt64(bytes.count)
        case .run(_, _, let byteCount): byteCount
        }
    }

    /// Calls `body` with the bytes in order, piece by piece. The copy of a run is read and checked
    /// again; throws where it has become damaged.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        switch content {
        case .bytes(let bytes): try bytes.withUnsafeBytes { try body($0) }
        case .run(let id, let replica, _): try RunFile.read(id, in: replica, of: vault, body)
        }
    }

    /// The trailer of the run that this is a copy of.
    func trailer(ofRun id: RunID) throws -> IndexRunTrailer {
        guard case .run(_, let replica, _) = content else {
            preconditionFailure("a copy of another kind of file")
        }
        let name = VaultFile.run(id).name(in: vault.id)
        return try IndexRunReader.trailer(id, from: replica.store.open(name), of: vault)
    }

    /// Writes the file to a replica; durable on return.
    func publish(
        _ file: VaultFile, in replica: Replica, _ condition: PutCondition, by session: UniqueID
    ) throws(IOError) {
        let name = file.name(in: vault.id)
        let upload = try replica.store.upload(in: name.folder, by: session)
        do {
            try forEachPiece { try upload.append($0) }
        } catch {
            upload.abandon()
            throw error as? IOError
                ?? .failed("read a good copy of", place: replica.store.address(of: name))
        }
        try upload.complete()
        _ = try upload.finish(as: name, condition)
    }
}

extension Vault {
    /// A good copy of a file: from a replica, from the pair, or, for a pack, put together from
    /// frames of several copies. The vault's record is encoded again where no replica has it.
    /// Throws `damaged` or `notFound` where there is none.
    /// - Parameter mayBeAbsent: whether a missing copy is no damage, for example of a pack that no
    ///   run lists, or of a file that a replica is about to get because it was away.
    package func soundCopy(
        of file: VaultFile, mayBeAbsent: Bool = false
    ) throws(KuraError) -> SoundCopy {
        if case .run(let id) = file {
            return try firstGood(file, mayBeAbsent: mayBeAbsent) { replica in
                let byteCount = try RunFile.read(id, in: replica, of: self)
                return SoundCopy(
                    content: .run(id, replica, byteCount: byteCount),
                    source: isOwn(replica) ? .replica : .pair, vault: self)
            }
        }
        do throws(KuraError) {
            return try read(
                file, max: ObjectKind.byteCountMax, mayBeAbsent: mayBeAbsent
            ) { bytes, replica in
                try file.check(bytes, self.record)
                return SoundCopy(
                    content: .bytes(bytes), source: isOwn(replica) ? .replica : .pair, vault: self)
            }
        } catch {
            if file == .record {
                return SoundCopy(
                    content: .bytes(record.encoded()), source: .rebuilt, vault: self)
            }
            guard case .pack(let id) = file, error.code == .damaged else { throw error }
            return SoundCopy(
                content: .bytes(try PackAssembly(id, self).run()), source: .assembled, vault: self)
        }
    }

    /// The bytes of a good copy of a file other than a run: see `soundCopy`.
    package func soundBytes(
        of file: VaultFile, mayBeAbsent: Bool = false
    ) throws(KuraError) -> [UInt8] {
        let copy = try soundCopy(of: file, mayBeAbsent: mayBeAbsent)
        guard case .bytes(let bytes) = copy.content else {
            preconditionFailure("index runs may be too long for memory")
        }
        return bytes
    }

    /// Whether a replica has a good copy of a file. Reads all of it, up to the first damage.
    func isSound(_ file: VaultFile, in replica: Replica) -> Bool {
        if case .pack(let id) = file {
            return PackVerifier(self, decoding: false).isSound(id, in: replica)
        }
        do {
            if case .run(let id) = file {
                try RunFile.read(id, in: replica, of: self)
                return true
            }
            let bytes = try replica.store.contents(
                file.name(in: id), max: ObjectKind.byteCountMax)
            try file.check(bytes, self.record)
            return true
        } catch {
            return false
        }
    }
}
