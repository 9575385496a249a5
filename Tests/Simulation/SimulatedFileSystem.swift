public import KuraIO
internal import Synchronization
public import SystemPackage

/// A disk in memory that tells what programs see from what survives a power cut.
///
/// Everything that changes is visible at once, but only a flush makes it durable: the bytes of a
/// file by flushing the file, its name by flushing the directory. `afterPowerCut` makes the disk
/// that a machine may find when it comes back: what was flushed, and of the rest anything, in any
/// combination of files, names and sectors. A rename that was not flushed may have lost the old
/// name, the new one, both or none: more than any file system does to us.
///
/// Paths are absolute, without links or "..". Directories are never renamed or removed.
public final class SimulatedFileSystem: TargetFileSystem {
    /// What of the changes that were not flushed a power cut leaves.
    public enum Survival: Sendable, CaseIterable {
        case nothing, everything
        /// Names that went away are gone, and nothing else is done: what a rule of order between
        /// taking away and writing is for.
        case removals
        /// Each change by itself, with a chance that is drawn once per power cut.
        case some
    }

    /// A call that changes something or flushes.
    public enum Change: String, Sendable { case create, write, resize, flush, rename, remove }

    /// Takes flushes away, so that a test can show that it notices.
    public struct Weakening: Sendable {
        let weakens: @Sendable (String) -> Bool
        let endCount: Int
        let end: (@Sendable (Change, String) -> Bool)?

        /// Whether there is a call that ends it.
        public var hasEnd: Bool { end != nil }

        /// - Parameters:
        ///   - weakens: paths of files and directories whose flushes do nothing, and succeed.
        ///   - endCount: of how many different paths there has to be such a call.
        ///   - end: a call after which what was flushed by then becomes durable after all: as if
        ///     the caller had not waited for it. nil for never.
        public init(
            of weakens: @escaping @Sendable (String) -> Bool, endCount: Int = 1,
            until end: (@Sendable (Change, String) -> Bool)? = nil
        ) {
            self.weakens = weakens
            self.endCount = endCount
            self.end = end
        }
    }

    /// A disk between two calls.
    public struct Moment: Sendable {
        fileprivate let disk: SimulatedDisk

        /// The disk that is there when the power is cut at this moment and comes back.
        public func afterPowerCut(
            _ survival: Survival, using random: inout some RandomNumberGenerator
        ) -> SimulatedFileSystem {
            SimulatedFileSystem(disk.afterPowerCut(survival, &random), nil)
        }
    }

    /// A flush that was put off.
    private enum Flush {
        case names(of: String)
        case bytes(of: Int)
    }

    private struct State {
        var disk: SimulatedDisk
        /// The disk before each call that changes something; nil while they are not recorded.
        var moments: [Moment]?
        var held: [Flush] = []
        var isWeak: Bool
        /// Paths of calls that end the weakening.
        var ends: Set<String> = []
        var isWeakUntilNextCall = false
        var weakeningEnd: Int?

        mutating func strengthen() {
            isWeak = false
            for flush in held {
                switch flush {
                case .names(let directory): disk.flushNames(of: directory)
                case .bytes(let file): disk.flush(number: file)
                }
            }
        }
    }

    private let state: Mutex<State>
    private let closed = ClosedFiles()
    private let weakening: Weakening?
    private let room: UInt64

    /// What it says is free; it takes whatever is written.
    public static let plentyOfRoom: UInt64 = 1 << 40

    public convenience init() {
        self.init(SimulatedDisk(), nil)
    }

    private init(_ disk: SimulatedDisk, _ weakening: Weakening?, room: UInt64 = plentyOfRoom) {
        state = Mutex(State(disk: disk, isWeak: weakening != nil))
        self.weakening = weakening
        self.room = room
    }

    /// An independent disk with the same content, live and durable; nothing is open or locked
    /// there.
    /// - Parameter room: bytes that it says are free.
    public func copy(
        weakening: Weakening? = nil, room: UInt64 = plentyOfRoom
    ) -> SimulatedFileSystem {
        SimulatedFileSystem(state.withLock { $0.disk.copy() }, weakening, room: room)
    }

    /// From now on remembers the disk as it is before every call that changes something or flushes.
    public func startRecording() {
        state.withLock { $0.moments = [] }
    }

    /// Number of moments that were recorded so far.
    public var momentCount: Int { state.withLock { $0.moments?.count ?? 0 } }

    /// What was recorded, and the disk as it is now, in order. Ends the recording.
    public func stopRecording() -> [Moment] {
        state.withLock { state in
            defer { state.moments = nil }
            return (state.moments ?? []) + [Moment(disk: state.disk)]
        }
    }

    /// Whether flushes are still taken away.
    public var isWeakened: Bool { state.withLock { $0.isWeak && !$0.isWeakUntilNextCall } }

    /// Number of the recorded moment right behind the call that ends the weakening.
    public var weakeningEnd: Int? { state.withLock { $0.weakeningEnd } }

    /// Flips one bit of a file, as a failing disk does, durably.
    public func damage(
        _ path: FilePath, using random: inout some RandomNumberGenerator
    ) throws(IOError) {
        let number = Int.random(in: 0...Int.max, using: &random)
        try with("damage", path) { disk throws(Errno) in try disk.flipBit(of: path, number) }
    }

    /// Equal for two disks with equal content, in one process; made of names and bytes.
    /// - Parameter ignored: directories, by their paths, whose files do not count.
    public func fingerprint(ignoring ignored: (String) -> Bool) -> Int {
        state.withLock { $0.disk.fingerprint(ignoring: ignored) }
    }

    /// Paths of all files, in no particular order.
    public var allFiles: [String] { state.withLock { $0.disk.allFiles } }

    // MARK: FileSystem

    public func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try with("open", path) { disk throws(Errno) in try disk.open(path) }
    }

    public func openForWriting(_ path: FilePath) throws(IOError) -> OpenFile {
        try openForReading(path)
    }

    public func openDevice(_ path: FilePath, followsLink: Bool) throws(IOError) -> OpenFile {
        throw IOError("open", at: path, .inappropriateIOCTLForDevice)
    }

    public func withoutLinks(_ path: FilePath) throws(IOError) -> FilePath { path }

    public func copyPermissions(
        of old: OpenFile, to new: OpenFile, _ path: FilePath
    ) throws(IOError) {
        // Modes play no part in what survives.
    }

    public func create(_ path: FilePath) throws(IOError) -> OpenFile {
        try change(.create, path) { disk throws(Errno) in
            guard disk.find(path) == nil else { throw .fileExists }
            try disk.makeFile(path)
            return try disk.open(path)
        }
    }

    public func close(_ file: OpenFile) {
        state.withLock { $0.disk.close(file.descriptor) }
        closed.note()
    }

    public func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        let bytes = try with("read", path) { disk throws(Errno) in try disk.bytes(of: file) }
        return bytes.read(at: offset, into: target)
    }

    public func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try change(.write, path) { disk throws(Errno) in
            try disk.change(file) { $0.writing(bytes, at: Int(offset)) }
        }
    }

    public func writeBuffered(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, from bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        try write(file, path, at: offset, from: bytes)
    }

    public func openAroundCache(_ path: FilePath) -> OpenFile? { nil }

    public func writeAroundCache(
        _ file: OpenFile, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Int { 0 }

    public func startWriteback(_ file: OpenFile, _ range: Range<UInt64>) {}

    public func deviceByteCount(_ file: OpenFile, _ path: FilePath) throws(IOError) -> UInt64 {
        throw IOError("find the size of", at: path, .inappropriateIOCTLForDevice)
    }

    public func isLink(_ path: FilePath) -> Bool { false }

    public func isWrittenByMachine(_ path: FilePath) -> Bool { false }

    public func resize(_ file: OpenFile, _ path: FilePath, to byteCount: UInt64) throws(IOError) {
        try change(.resize, path) { disk throws(Errno) in
            try disk.change(file) { $0.resized(to: Int(byteCount)) }
        }
    }

    public func punchHole(
        _ file: OpenFile, _ path: FilePath, in range: Range<UInt64>
    ) throws(IOError) -> Bool {
        try change(.write, path) { disk throws(Errno) in
            try disk.change(file) {
                $0.zeroing(Int(range.lowerBound)..<Int(range.upperBound))
            }
        }
        return true
    }

    public func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        try changeState(.flush, path) { state throws(Errno) in
            let number = try state.disk.number(of: file)
            if isWeak(path, state) {
                state.held.append(.bytes(of: number))
            } else {
                state.disk.flush(number: number)
            }
        }
    }

    public func flushDirectory(_ path: FilePath) throws(IOError) {
        try changeState(.flush, path) { state throws(Errno) in
            guard state.disk.names(in: path.string) != nil else { throw .noSuchFileOrDirectory }
            if isWeak(path, state) {
                state.held.append(.names(of: path.string))
            } else {
                state.disk.flushNames(of: path.string)
            }
        }
    }

    private func isWeak(_ path: FilePath, _ state: State) -> Bool {
        state.isWeak && weakening?.weakens(path.string) == true
    }

    public func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        // Modes play no part in what survives.
    }

    public func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        try change(.rename, to) { disk throws(Errno) in
            guard let node = disk.find(from) else { throw .noSuchFileOrDirectory }
            guard replacing || disk.find(to) == nil else { throw .fileExists }
            try disk.set(to, node)
            try disk.remove(from)
        }
    }

    public func remove(_ path: FilePath) throws(IOError) {
        try change(.remove, path) { disk throws(Errno) in try disk.remove(path) }
    }

    public func makeDirectory(_ path: FilePath) throws(IOError) {
        try change(.create, path) { disk throws(Errno) in
            if disk.names(in: path.string) != nil { return }
            guard disk.find(path) == nil else { throw .fileExists }
            try disk.makeDirectory(path)
        }
    }

    public func list(_ path: FilePath) throws(IOError) -> [String] {
        try with("list", path) { disk throws(Errno) in
            guard let names = disk.names(in: path.string) else { throw .noSuchFileOrDirectory }
            return names.names
        }
    }

    public func status(_ path: FilePath) throws(IOError) -> FileStatus {
        try with("examine", path) { disk throws(Errno) in
            let node = path.string == "/" ? .directory(0) : disk.find(path)
            guard let node else { throw .noSuchFileOrDirectory }
            let isFile = if case .file = node { true } else { false }
            return FileStatus(
                kind: isFile ? .regular : .directory, byteCount: UInt64(disk.byteCount(of: node)),
                mode: 0o600, owner: Process.userID, modified: 0, changed: 0, device: 1)
        }
    }

    public func openLock(_ path: FilePath) throws(IOError) -> OpenFile {
        let isNew = try with("lock", path) { disk throws(Errno) in disk.find(path) == nil }
        if isNew {
            do throws(IOError) {
                close(try create(path))
            } catch {
                // Another thread may have made it first.
                guard error.errno == .fileExists else { throw error }
            }
        }
        return try with("lock", path) { disk throws(Errno) in try disk.open(path) }
    }

    /// Leaves the note out: what a lock file says plays no part in what survives.
    public func takeLock(
        _ file: OpenFile, _ path: FilePath, note: [UInt8]
    ) throws(IOError) -> Bool {
        try with("lock", path) { disk throws(Errno) in disk.takeLock(file) }
    }

    public func watchLock(_ path: FilePath) -> (any LockWatch)? { SimulatedLockWatch(closed) }

    public func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 { room }

    // MARK: Calls

    private func with<T>(
        _ operation: String, _ path: FilePath, _ body: (inout SimulatedDisk) throws(Errno) -> T
    ) throws(IOError) -> T {
        do {
            return try state.withLock { state throws(Errno) in try body(&state.disk) }
        } catch {
            throw IOError(operation, at: path, error)
        }
    }

    /// Like `with`, for a call that changes something or flushes.
    private func change<T>(
        _ change: Change, _ path: FilePath, _ body: (inout SimulatedDisk) throws(Errno) -> T
    ) throws(IOError) -> T {
        try changeState(change, path) { state throws(Errno) in try body(&state.disk) }
    }

    private func changeState<T>(
        _ change: Change, _ path: FilePath, _ body: (inout State) throws(Errno) -> T
    ) throws(IOError) -> T {
        do {
            return try state.withLock { state throws(Errno) in
                if state.moments != nil { state.moments!.append(Moment(disk: state.disk)) }
                if state.isWeakUntilNextCall { state.strengthen() }
                let value = try body(&state)
                if state.isWeak, let weakening, weakening.end?(change, path.string) == true {
                    state.ends.insert(path.string)
                    if state.ends.count >= weakening.endCount {
                        state.isWeakUntilNextCall = true
                        state.weakeningEnd = state.weakeningEnd ?? state.moments?.count
                    }
                }
                return value
            }
        } catch {
            throw IOError(change.rawValue, at: path, error)
        }
    }
}

/// Counts the files that were closed, for those who wait for a lock.
private final class ClosedFiles: @unchecked Sendable {
    // `monitor` guards it.
    let monitor = Monitor()
    private(set) var count = 0

    func note() {
        monitor.withLock {
            count += 1
            monitor.wakeAll()
        }
    }

    func wake() { monitor.withLock { monitor.wakeAll() } }
}

/// Takes every file that is closed for the lock that is waited for.
private final class SimulatedLockWatch: LockWatch {
    private let closed: ClosedFiles
    private let seen: Mutex<Int>

    init(_ closed: ClosedFiles) {
        self.closed = closed
        seen = Mutex(closed.monitor.withLock { closed.count })
    }

    func wait(until deadline: Int64, _ cancellation: Cancellation) -> Bool {
        let before = seen.withLock { $0 }
        let closed = closed
        let now = cancellation.notifying(
            { closed.wake() },
            during: {
                closed.monitor.withLock {
                    while closed.count == before, !cancellation.isCancelled,
                        Clock.steady() < deadline
                    {
                        closed.monitor.wait(until: deadline)
                    }
                    return closed.count
                }
            })
        seen.withLock { $0 = now }
        return now != before
    }
}
