import KuraIO
import Synchronization
import SystemPackage
import TestSupport

/// The local file system with one replica whose locks cannot be taken.
final class BlindFileSystem: PassingFileSystem {
    private let part: String

    init(to replica: Int) { part = "/replica-\(replica)/" }

    func before(_ call: FileCall, _ path: FilePath) throws(IOError) {
        if call == .lock, path.string.contains(part) {
            throw IOError("lock", at: path, .readOnlyFileSystem)
        }
    }
}

/// The local file system that cancels when the first frame of a pack is read.
final class CancellingFileSystem: PassingFileSystem {
    private let cancellation: Cancellation
    private let opened = Mutex<String?>(nil)

    init(_ cancellation: Cancellation) { self.cancellation = cancellation }

    /// The first pack that was read.
    var first: String? { opened.withLock { $0 } }

    func before(_ call: FileCall, _ path: FilePath) {
        guard call == .read, path.string.contains("/packs/") else { return }
        opened.withLock { $0 = $0 ?? path.string }
        cancellation.cancel()
    }
}

/// The local file system that counts how often each place of a file is read.
final class CountingFileSystem: PassingFileSystem {
    struct Place: Hashable {
        var path: String
        var offset: UInt64
    }

    private let counts = Mutex<[Place: Int]>([:])

    func reads(at place: Place) -> Int { counts.withLock { $0[place] ?? 0 } }

    func before(_ call: FileCall, _ path: FilePath) {}

    func willRead(_ path: FilePath, at offset: UInt64) {
        counts.withLock { $0[Place(path: path.string, offset: offset), default: 0] += 1 }
    }
}

/// The local file system of a disk that says that nothing is free.
final class FullFileSystem: PassingFileSystem {
    private let state = Mutex((hasShrunk: false, hasGrownFirst: false))

    /// Whether a pack got a name before the first one went.
    var hasGrownFirst: Bool { state.withLock { $0.hasGrownFirst } }

    func before(_ call: FileCall, _ path: FilePath) {
        guard path.string.contains("/packs/") else { return }
        state.withLock { state in
            if call == .remove { state.hasShrunk = true }
            if call == .rename, !state.hasShrunk { state.hasGrownFirst = true }
        }
    }

    func freeBytes(_ path: FilePath) -> UInt64 { 0 }
}

/// The local file system with calls that the device fails.
final class BrokenFileSystem: PassingFileSystem {
    private let isBroken: @Sendable (FileCall, String) -> Bool
    private let hasBegun: Atomic<Bool>

    /// - Parameter later: whether calls fail only from `begin` on.
    init(
        later: Bool = false,
        _ isBroken: @escaping @Sendable (_ call: FileCall, _ path: String) -> Bool
    ) {
        self.isBroken = isBroken
        hasBegun = Atomic(!later)
    }

    func begin() { hasBegun.store(true, ordering: .relaxed) }

    func before(_ call: FileCall, _ path: FilePath) throws(IOError) {
        guard hasBegun.load(ordering: .relaxed) else { return }
        if isBroken(call, path.string) { throw IOError("\(call)", at: path, .ioError) }
    }
}
