internal import KuraFormat
internal import KuraIO
internal import KuraReplicas

/// An object that waits here until its name is known, and is sent then.
///
/// One thread at a time uses it.
final class S3Upload: Upload, @unchecked Sendable {
    private let store: S3Store
    private let owner: UniqueID
    private let serial: Int
    private let spool: Spool

    init(_ store: S3Store, in folder: StoreFolder, by owner: UniqueID) {
        self.store = store
        self.owner = owner
        serial = store.drafts.add(in: folder, by: owner)
        let options = store.client.options
        spool = Spool(in: options.spool, memoryMax: options.partBytes)
    }

    var byteCount: UInt64 { spool.byteCount }

    func append(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
        do throws(IOError) {
            try spool.append(bytes)
        } catch {
            store.drafts.remove(serial)
            throw error
        }
    }

    func complete() {}

    func finish(as name: StoreName, _ condition: PutCondition) throws(IOError) -> PutOutcome {
        guard store.drafts.has(serial) else {
            throw IOError.notFound("write", place: store.address(of: name))
        }
        let outcome: PutOutcome
        do throws(IOError) {
            if let bytes = spool.bytes {
                outcome = try store.put(name, bytes, condition: condition, by: owner)
            } else {
                outcome = try store.sendParts(of: spool, as: name, condition, by: owner)
            }
        } catch {
            store.drafts.remove(serial)
            throw error
        }
        if outcome != .existed(isEqual: false) { abandon() }
        return outcome
    }

    func abandon() {
        store.drafts.remove(serial)
        spool.close()
    }
}
