import GRDBSQLite
import Glibc
import KuraIO
import Simulation
import Synchronization
import SystemPackage

/// Sees every call by which SQLite changes the files of one directory, and makes the same changes
/// on a simulated disk: so a power cut can be made of any moment between them.
///
/// SQLite reaches files through a table of functions, which is copied here with some of them
/// replaced. The shared memory beside a WAL is left out: it does not outlive the machine.
enum RecordingSQLite {
    private struct File {
        var path: FilePath
        /// Address of the functions that SQLite would have called.
        var methods: UInt
        /// Whether SQLite makes its name durable, too, when it flushes it.
        var isJournal: Bool
    }

    private struct State {
        var directory = ""
        var disk = SimulatedFileSystem()
        /// Recorded files that are open, by the address of their handle.
        var open: [UInt: File] = [:]
        /// Our functions by the address of SQLite's.
        var tables: [UInt: UInt] = [:]
    }

    private static let state = Mutex(State())
    private static let name = "recording"

    /// Runs `body`; files that SQLite opens below `directory` meanwhile are recorded.
    /// - Returns: a disk before each change, and at the end; paths on it are those of the files.
    static func record(
        _ directory: FilePath, _ body: () throws -> Void
    ) throws -> [SimulatedFileSystem.Moment] {
        let disk = SimulatedFileSystem()
        try disk.makeDirectories(directory)
        disk.startRecording()
        state.withLock { state in
            state.directory = directory.string
            state.disk = disk
        }
        guard let usual = sqlite3_vfs_find(nil) else {
            throw IOError("find", at: "SQLite", .ioError)
        }
        sqlite3_vfs_register(recorder, 1)
        defer {
            sqlite3_vfs_register(usual, 1)
            state.withLock { $0.directory = "" }
        }
        try body()
        return disk.stopRecording()
    }

    /// Stays registered: databases keep it.
    nonisolated(unsafe) private static let recorder: UnsafeMutablePointer<sqlite3_vfs> = {
        let copy = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        copy.initialize(to: usual.pointee)
        copy.pointee.zName = UnsafePointer(strdup(name))
        copy.pointee.pNext = nil
        copy.pointee.xOpen = { system, path, file, flags, outFlags in
            let status = usual.pointee.xOpen(system, path, file, flags, outFlags)
            if status == SQLITE_OK, let path, let file {
                RecordingSQLite.opened(String(cString: path), file, flags)
            }
            return status
        }
        copy.pointee.xDelete = { system, path, flushes in
            if let path { RecordingSQLite.deleted(String(cString: path), flushes != 0) }
            return usual.pointee.xDelete(system, path, flushes)
        }
        return copy
    }()

    nonisolated(unsafe) private static let usual: UnsafeMutablePointer<sqlite3_vfs> =
        sqlite3_vfs_find("unix")

    // MARK: What SQLite does

    private static func opened(
        _ path: String, _ file: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32
    ) {
        guard let methods = file.pointee.pMethods else { return }
        let isJournal = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL) != 0
        let table = state.withLock { state -> UInt? in
            guard !state.directory.isEmpty, path.hasPrefix(state.directory + "/") else {
                return nil
            }
            state.open[UInt(bitPattern: file)] = File(
                path: FilePath(path), methods: UInt(bitPattern: methods), isJournal: isJournal)
            let known = state.tables[UInt(bitPattern: methods)]
            let table = known ?? UInt(bitPattern: recording(methods))
            state.tables[UInt(bitPattern: methods)] = table
            return table
        }
        guard let table else { return }
        change(path) { disk, path throws(IOError) in
            if try !disk.exists(path) { disk.close(try disk.create(path)) }
        }
        file.pointee.pMethods = UnsafePointer(bitPattern: table)
    }

    private static func deleted(_ path: String, _ flushes: Bool) {
        let isMine = state.withLock {
            !$0.directory.isEmpty && path.hasPrefix($0.directory + "/")
        }
        guard isMine else { return }
        change(path) { disk, path throws(IOError) in
            guard try disk.exists(path) else { return }
            try disk.remove(path)
            if flushes { try disk.flushDirectory(path.removingLastComponent()) }
        }
    }

    /// SQLite's functions with those replaced that change a file.
    private static func recording(
        _ methods: UnsafePointer<sqlite3_io_methods>
    ) -> UnsafePointer<sqlite3_io_methods> {
        let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        table.initialize(to: methods.pointee)
        table.pointee.xClose = { file in
            let methods = RecordingSQLite.methods(of: file)
            let address = UInt(bitPattern: file)
            _ = RecordingSQLite.state.withLock { $0.open.removeValue(forKey: address) }
            return methods.pointee.xClose(file)
        }
        table.pointee.xWrite = { file, bytes, count, offset in
            RecordingSQLite.change(file) { disk, known throws(IOError) in
                let handle = try disk.openForWriting(known.path)
                defer { disk.close(handle) }
                try disk.write(
                    handle, known.path, at: UInt64(offset),
                    from: UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            }
            return RecordingSQLite.methods(of: file).pointee.xWrite(file, bytes, count, offset)
        }
        table.pointee.xTruncate = { file, size in
            RecordingSQLite.change(file) { disk, known throws(IOError) in
                let handle = try disk.openForWriting(known.path)
                defer { disk.close(handle) }
                try disk.resize(handle, known.path, to: UInt64(size))
            }
            return RecordingSQLite.methods(of: file).pointee.xTruncate(file, size)
        }
        table.pointee.xSync = { file, flags in
            RecordingSQLite.change(file) { disk, known throws(IOError) in
                let handle = try disk.openForWriting(known.path)
                defer { disk.close(handle) }
                try disk.flush(handle, known.path)
                if known.isJournal { try disk.flushDirectory(known.path.removingLastComponent()) }
            }
            return RecordingSQLite.methods(of: file).pointee.xSync(file, flags)
        }
        return UnsafePointer(table)
    }

    private static func methods(
        of file: UnsafeMutablePointer<sqlite3_file>?
    ) -> UnsafePointer<sqlite3_io_methods> {
        let address = state.withLock { $0.open[UInt(bitPattern: file)]!.methods }
        return UnsafePointer(bitPattern: address)!
    }

    // MARK: The simulated disk

    private static func change(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ body: (SimulatedFileSystem, File) throws(IOError) -> Void
    ) {
        let (disk, known) = state.withLock { ($0.disk, $0.open[UInt(bitPattern: file)]!) }
        do throws(IOError) {
            try body(disk, known)
        } catch {
            preconditionFailure("the simulated disk refused what the real one took: \(error)")
        }
    }

    private static func change(
        _ path: String, _ body: (SimulatedFileSystem, FilePath) throws(IOError) -> Void
    ) {
        let disk = state.withLock { $0.disk }
        do throws(IOError) {
            try body(disk, FilePath(path))
        } catch {
            preconditionFailure("the simulated disk refused what the real one took: \(error)")
        }
    }
}
