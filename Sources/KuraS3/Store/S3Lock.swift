internal import KuraFormat
public import KuraIO
public import KuraReplicas
internal import SystemPackage

// A lock is a cell that names its holder, who writes it anew from time to time. Another one may
// take it when it has not been written for as long as a lease lasts, both times by the server's
// clock. It saves rivals work; nothing is safe because of it.
extension S3Store {
    static let lockBytesMax = 4096

    public func openLock(_ name: StoreName) throws(IOError) -> any LockHandle {
        S3Lock(Lease(self, name))
    }

    public func watchLock(_ name: StoreName) -> (any LockWatch)? { nil }

    public func isLocked(_ name: StoreName) throws(IOError) -> Bool {
        try lockState(name)?.isHeld ?? false
    }

    public func lockNote(_ name: StoreName, max: Int) throws(IOError) -> [UInt8] {
        guard let state = try lockState(name) else {
            throw IOError.notFound("read", place: address(of: name))
        }
        guard state.record.note.count <= max else {
            throw IOError("read", place: address(of: name), .fileTooLarge)
        }
        return state.record.note
    }

    func lockState(_ name: StoreName) throws(IOError) -> LockState? {
        let part = try client.read(
            key(name), at: 0, count: Self.lockBytesMax, into: nil, place: address(of: name))
        guard let part else { return nil }
        let times = (part.headers["date"], part.headers["last-modified"])
        var age: Int64 = 0
        if let now = times.0.flatMap({ HTTPDate.time($0) }),
            let then = times.1.flatMap({ HTTPDate.time($0) })
        {
            age = Clock.elapsed(from: then, to: now)
        }
        let record = LockRecord(decoding: part.bytes) ?? LockRecord(holder: nil, count: 0, note: [])
        return LockState(
            record: record, tag: part.tag.map { Self.tag($0) },
            isOver: age >= client.options.lease)
    }
}

/// What a lock says, and for how long it has said so.
struct LockState {
    var record: LockRecord
    var tag: Cell.Tag?
    /// Whether its holder has not been heard of for the time of a lease.
    var isOver: Bool

    var isHeld: Bool { record.holder != nil && !isOver }
}

/// The bytes of a lock: one line, and the note of its holder.
struct LockRecord: Equatable {
    private static let start = "kura-lease 1"

    /// Nil where it is free.
    var holder: UniqueID?
    /// Raised with each writing, so that no two values are equal.
    var count: UInt64
    var note: [UInt8]

    init(holder: UniqueID?, count: UInt64, note: [UInt8]) {
        self.holder = holder
        self.count = count
        self.note = note
    }

    init?(decoding bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: 0x0A) else { return nil }
        let parts = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard parts.count == 4, "\(parts[0]) \(parts[1])" == Self.start,
            let count = UInt64(parts[3])
        else { return nil }
        self.init(
            holder: UniqueID(hex: String(parts[2])), count: count, note: Array(bytes[(end + 1)...]))
    }

    func encoded() -> [UInt8] {
        Array("\(Self.start) \(holder?.hex ?? "free") \(count)\n".utf8) + note
    }
}

/// A lock that is held, or was, or may be.
final class Lease: @unchecked Sendable {
    private let store: S3Store
    private let name: StoreName
    private let holder = UniqueID.random()
    // `monitor` guards both.
    private let monitor = Monitor()
    private var record: LockRecord?
    private var tag: Cell.Tag?

    init(_ store: S3Store, _ name: StoreName) {
        self.store = store
        self.name = name
    }

    var keeper: LeaseKeeper { store.leases }

    func take(note: [UInt8]) throws(IOError) -> Bool {
        let result = monitor.withLock { () -> Result<Bool, IOError> in
            do throws(IOError) {
                return .success(try takeAlone(note))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func takeAlone(_ note: [UInt8]) throws(IOError) -> Bool {
        if record != nil { return false }
        let state = try store.lockState(name)
        if let state, state.isHeld || state.tag == nil { return false }
        let new = LockRecord(
            holder: holder, count: (state?.record.count ?? 0) &+ 1,
            note: Array(note.prefix(S3Store.lockBytesMax / 2)))
        do throws(IOError) {
            guard let tag = try store.swap(name, new.encoded(), expecting: state?.tag) else {
                return false
            }
            (record, self.tag) = (new, tag)
        } catch {
            guard error.isOutcomeUnknown, let state = try store.lockState(name),
                state.record == new
            else { throw error }
            (record, tag) = (new, state.tag)
        }
        return true
    }

    /// Writes the lock anew, so that it lasts. Where that does not succeed, it ends by itself.
    func renew() {
        monitor.withLock {
            guard var new = record, let tag else { return }
            new.count &+= 1
            do throws(IOError) {
                self.tag = try store.swap(name, new.encoded(), expecting: tag)
                record = self.tag == nil ? nil : new
            } catch {
                // The next time.
            }
        }
    }

    func end(removing: Bool) {
        monitor.withLock {
            guard var last = record, let tag else { return }
            record = nil
            last = LockRecord(holder: nil, count: last.count &+ 1, note: last.note)
            do throws(IOError) {
                // First free, then gone: another one may take it in between, and then it stays.
                guard let tag = try store.swap(name, last.encoded(), expecting: tag), removing
                else {
                    return
                }
                if try store.lockState(name)?.tag == tag { try store.delete([name]) }
            } catch {
                // It ends by itself.
            }
        }
    }
}

/// The handle of a lock. What keeps it does not hold it, so it ends with its last reference.
final class S3Lock: LockHandle {
    private let lease: Lease

    init(_ lease: Lease) { self.lease = lease }

    deinit { release(removing: false) }

    func take(note: [UInt8]) throws(IOError) -> Bool {
        let isTaken = try lease.take(note: note)
        if isTaken { lease.keeper.keep(lease) }
        return isTaken
    }

    func release(removing: Bool) {
        if lease.keeper.drop(lease) { lease.end(removing: removing) }
    }
}
