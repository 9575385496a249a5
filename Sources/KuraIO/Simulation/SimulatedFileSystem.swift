internal import Synchronization
public import SystemPackage

/// A disk in memory that tells what programs see from what survives a power cut.
///
/// Everything that changes is visible at once, but only a flush makes it durable: the bytes of a file
/// by flushing the file, its name by flushing the directory. `afterPowerCut` makes the disk that a
/// machine may find when it comes back: what was flushed, and of the rest anything, in any
/// combination of files, names and sectors. A rename that was not flushed may have lost the old
/// name, the new one, both or none: more than any file system does to us.
///
/// Paths are absolute, without links or "..". Directories are never renamed or removed.
public final class SimulatedFileSystem: FileSystem {
    /// What of the changes that were not flushed a power cut leaves.
    public enum Survival: Sendable, CaseIterable {
        case nothing, everything
        /// Each change by itself, with a chance that is drawn once per power cut.
        case some
    }

    private let state: Mutex<SimulatedDisk>
    private let ignoresFlush: @Sendable (FilePath) -> Bool

    /// - Parameter ignoresFlush: paths whose flushes succeed without doing anything, for tests that
    ///   must notice it.
    public init(ignoresFlush: @escaping @Sendable (FilePath) -> Bool = { _ in false }) {
        state = Mutex(SimulatedDisk())
        self.ignoresFlush = ignoresFlush
    }

    private init(_ disk: SimulatedDisk, _ ignoresFlush: @escaping @Sendable (FilePath) -> Bool) {
        state = Mutex(disk)
        self.ignoresFlush = ignoresFlush
    }

    /// Number of calls so far that change something or flush.
    public var changeCount: Int { state.withLock { $0.changeCount } }

    /// Whether the power has been cut.
    public var isOff: Bool { state.withLock { $0.isOff } }

    /// Makes the power fail instead of change `number`, counted from now, and at once for 0. Every
    /// call from then on throws.
    public func cutPower(after number: Int) {
        state.withLock { $0.cutAt = $0.changeCount + number }
    }

    /// An independent disk with the same content, live and durable; nothing is open or locked there.
    public func copy(
        ignoresFlush: (@Sendable (FilePath) -> Bool)? = nil
    ) -> SimulatedFileSystem {
        SimulatedFileSystem(state.withLock { $0.copy() }, ignoresFlush ?? self.ignoresFlush)
    }

    /// The disk that is there when the power comes back. This one stays as it is.
    public func afterPowerCut(
        _ survival: Survival, using random: inout some RandomNumberGenerator
    ) -> SimulatedFileSystem {
        let disk = state.withLock { $0.copy() }
        return SimulatedFileSystem(disk.afterPowerCut(survival, &random), ignoresFlush)
    }

    /// Flips one bit of a file, as a failing disk does, durably.
    public func damage(
        _ path: FilePath, using random: inout some RandomNumberGenerator
    ) throws(IOError) {
        let number = Int.random(in: 0...Int.max, using: &random)
        try with("damage", path) { disk throws(Errno) in try disk.flipBit(of: path, number) }
    }

    /// Equal for two disks with equal content; made of all names and bytes.
    public var fingerprint: Int { state.withLock { $0.fingerprint } }

    // MARK: FileSystem

    public func openForReading(_ path: FilePath) throws(IOError) -> OpenFile {
        try with("open", path) { disk throws(Errno) in try disk.open(path) }
    }

    public func create(_ path: FilePath) throws(IOError) -> OpenFile {
        try change("create", path) { disk throws(Errno) in
            guard disk.find(path) == nil else { throw .fileExists }
            try disk.link(path, to: disk.makeNode(.regular))
            return try disk.open(path)
        }
    }

    public func close(_ file: OpenFile) {
        state.withLock { $0.close(file.descriptor) }
    }

    public func read(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64,
        into target: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int {
        let bytes = try with("read", path) { disk throws(Errno) in try disk.bytes(of: file) }
        let start = Int(min(offset, UInt64(bytes.count)))
        let count = min(target.count, bytes.count - start)
        bytes.withUnsafeBytes { source in
            if count > 0 {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start...].prefix(count)))
            }
        }
        return count
    }

    public func write(
        _ file: OpenFile, _ path: FilePath, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) throws(IOError) {
        let copy = Array(bytes)
        try change("write", path) { disk throws(Errno) in
            try disk.write(copy, to: file, at: Int(offset))
        }
    }

    public func flush(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        let ignored = ignoresFlush(path)
        try change("flush", path) { disk throws(Errno) in
            if !ignored { try disk.flush(file) }
        }
    }

    public func flushDirectory(_ path: FilePath) throws(IOError) {
        let ignored = ignoresFlush(path)
        try change("flush", path) { disk throws(Errno) in
            guard disk.live[path.string] != nil else { throw .noSuchFileOrDirectory }
            if !ignored { disk.flushNames(of: path.string) }
        }
    }

    public func seal(_ file: OpenFile, _ path: FilePath) throws(IOError) {
        // Modes play no part in what survives.
    }

    public func rename(_ from: FilePath, to: FilePath, replacing: Bool) throws(IOError) {
        try change("rename", to) { disk throws(Errno) in
            guard let node = disk.find(from) else { throw .noSuchFileOrDirectory }
            guard replacing || disk.find(to) == nil else { throw .fileExists }
            try disk.link(to, to: node)
            try disk.unlink(from)
        }
    }

    public func remove(_ path: FilePath) throws(IOError) {
        try change("remove", path) { disk throws(Errno) in try disk.unlink(path) }
    }

    public func makeDirectory(_ path: FilePath) throws(IOError) {
        try change("create", path) { disk throws(Errno) in
            if disk.live[path.string] != nil { return }
            guard disk.find(path) == nil else { throw .fileExists }
            try disk.link(path, to: disk.makeNode(.directory))
            disk.live[path.string] = [:]
        }
    }

    public func list(_ path: FilePath) throws(IOError) -> [String] {
        try with("list", path) { disk throws(Errno) in
            guard let names = disk.live[path.string] else { throw .noSuchFileOrDirectory }
            return names.keys.sorted()
        }
    }

    public func status(_ path: FilePath) throws(IOError) -> FileStatus {
        try with("examine", path) { disk throws(Errno) in
            guard let node = disk.find(path) else { throw .noSuchFileOrDirectory }
            return FileStatus(
                kind: disk.nodes[node]!.kind, byteCount: UInt64(disk.nodes[node]!.bytes.count),
                mode: 0o600, owner: Process.userID, modified: 0, changed: 0, device: 1)
        }
    }

    public func lock(_ path: FilePath) throws(IOError) -> OpenFile? {
        let isNew = try with("lock", path) { disk throws(Errno) in disk.find(path) == nil }
        if isNew { close(try create(path)) }
        return try with("lock", path) { disk throws(Errno) -> OpenFile? in
            let file = try disk.open(path)
            if disk.takeLock(file) { return file }
            disk.close(file.descriptor)
            return nil
        }
    }

    public func freeBytes(_ path: FilePath) throws(IOError) -> UInt64 { 1 << 40 }

    // MARK: Calls

    private func with<T>(
        _ operation: String, _ path: FilePath, _ body: (inout SimulatedDisk) throws(Errno) -> T
    ) throws(IOError) -> T {
        do {
            return try state.withLock { disk throws(Errno) in
                if disk.isOff { throw .ioError }
                return try body(&disk)
            }
        } catch {
            throw IOError(operation, path, error)
        }
    }

    /// Like `with`, for a call that counts.
    private func change<T>(
        _ operation: String, _ path: FilePath, _ body: (inout SimulatedDisk) throws(Errno) -> T
    ) throws(IOError) -> T {
        try with(operation, path) { disk throws(Errno) in
            if disk.changeCount == disk.cutAt { disk.isOff = true }
            if disk.isOff { throw .ioError }
            disk.changeCount += 1
            return try body(&disk)
        }
    }
}
