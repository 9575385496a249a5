import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas

/// A state that knows members, keys, and names of objects that records list.
struct TestFold: LogFold {
    var members: [UniqueID] = []
    var membersNumber: UInt64 = 0
    var keys: [KeyID: PublicKeyBytes] = [:]
    var removed: [KeyID: PublicKeyBytes] = [:]
    var digests: [Digest] = []
    var notes: [String] = []
    var needed: Set<String> = []

    func key(of signer: KeyID, for record: LogRecord) -> PublicKeyBytes? {
        guard record.number == 1 else { return keys[signer] }
        for case .key(let body) in record.bodies where body.id == signer { return body.key }
        return nil
    }

    func knownKey(of signer: KeyID) -> PublicKeyBytes? { keys[signer] ?? removed[signer] }

    func check(_ record: LogRecord, by signer: KeyID) throws(KuraError) {}

    mutating func apply(_ record: LogRecord.Encoded) throws(KuraError) {
        digests.append(record.digest)
        notes.append(record.record.note)
        for body in record.record.bodies {
            switch body {
            case .members(let body):
                members = body.replicas
                membersNumber = record.number
            case .key(let body):
                keys[body.id] = body.isAdmitted ? body.key : nil
                removed[body.id] = body.isAdmitted ? nil : body.key
            case .unknown(let body): needed.insert(String(decoding: body.open, as: UTF8.self))
            default: continue
            }
        }
    }
}

extension LogTip<TestFold> {
    static let empty = LogTip(state: TestFold(), position: .start)
}

/// Objects are names in the folder of runs.
struct TestObjects: LogObjects {
    typealias State = TestFold

    static func name(_ object: String, _ replica: LogReplica) -> StoreName {
        StoreName("vaults/\(replica.names.vault.hex)/index/\(object)")
    }

    func copy(
        neededBy state: TestFold, to replica: LogReplica, from others: [LogReplica]
    ) throws(KuraError) -> Bool {
        var isComplete = true
        for object in state.needed.sorted() {
            let name = Self.name(object, replica)
            do throws(IOError) {
                if try replica.store.exists(name) { continue }
                var isThere = false
                for other in others where !isThere { isThere = try other.store.exists(name) }
                if isThere {
                    try replica.store.put(
                        name, Array(object.utf8), condition: .content, by: .random())
                } else {
                    isComplete = false
                }
            } catch {
                throw KuraError(io: error)
            }
        }
        return isComplete
    }
}
