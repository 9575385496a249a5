internal import CLinux
internal import KuraIO
internal import SystemPackage

/// Bytes of a long object that are sent part by part, by several threads.
protocol PartSource: Sendable {
    var byteCount: UInt64 { get }

    /// Calls `body` with the bytes of a range.
    func withPart<T>(
        _ range: Range<UInt64>, _ body: ([UnsafeRawBufferPointer]) throws(IOError) -> T
    ) throws(IOError) -> T
}

/// Pieces in memory. They are valid as long as the call that they were given to.
struct PiecesSource: PartSource, @unchecked Sendable {
    let pieces: [UnsafeRawBufferPointer]

    var byteCount: UInt64 { pieces.reduce(0) { $0 + UInt64($1.count) } }

    func withPart<T>(
        _ range: Range<UInt64>, _ body: ([UnsafeRawBufferPointer]) throws(IOError) -> T
    ) throws(IOError) -> T {
        var parts: [UnsafeRawBufferPointer] = []
        var start: UInt64 = 0
        for piece in pieces {
            let end = start + UInt64(piece.count)
            let common = range.clamped(to: start..<end)
            if !common.isEmpty {
                let inPiece = Int(common.lowerBound - start)..<Int(common.upperBound - start)
                parts.append(UnsafeRawBufferPointer(rebasing: piece[inPiece]))
            }
            start = end
        }
        return try body(parts)
    }
}

/// What waits for its name: short objects in memory, longer ones in a file that has no name, so
/// that nothing is left of it when the process ends.
///
/// One thread at a time appends. Afterwards several read.
final class Spool: PartSource, @unchecked Sendable {
    private let folder: FilePath
    private let memoryMax: Int
    private var memory: [UInt8] = []
    private var file: FileDescriptor?
    private(set) var byteCount: UInt64 = 0

    init(in folder: FilePath, memoryMax: Int) {
        self.folder = folder
        self.memoryMax = memoryMax
    }

    deinit { close() }

    /// All bytes, where they are few.
    var bytes: [UInt8]? { file == nil ? memory : nil }

    func append(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
        if file == nil, memory.count + bytes.count > memoryMax {
            file = try failing { try open() }
            try failing { _ = try file?.writeAll(memory) }
            memory = []
        }
        if file == nil { memory += bytes } else { try write(bytes) }
        byteCount += UInt64(bytes.count)
    }

    func withPart<T>(
        _ range: Range<UInt64>, _ body: ([UnsafeRawBufferPointer]) throws(IOError) -> T
    ) throws(IOError) -> T {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: range.count, alignment: 4096)
        defer { buffer.deallocate() }
        if let file {
            var count = 0
            while count < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                let part = try failing {
                    try file.read(
                        fromAbsoluteOffset: Int64(range.lowerBound) + Int64(count), into: rest)
                }
                guard part > 0 else { throw IOError("read", at: folder, .ioError) }
                count += part
            }
        } else {
            buffer.copyBytes(from: memory[Int(range.lowerBound)..<Int(range.upperBound)])
        }
        return try body([UnsafeRawBufferPointer(buffer)])
    }

    func close() {
        do {
            try file?.close()
        } catch {
            // It is gone all the same.
        }
        file = nil
        memory = []
    }

    private func open() throws -> FileDescriptor {
        try FileDescriptor.open(
            folder, .readWrite,
            options: [.closeOnExec, FileDescriptor.OpenOptions(rawValue: kura_o_tmpfile())],
            permissions: [.ownerReadWrite])
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
        try failing { _ = try file?.writeAll(bytes) }
    }

    private func failing<T>(_ body: () throws -> T) throws(IOError) -> T {
        do {
            return try body()
        } catch let error as Errno {
            throw IOError("keep a long object in", at: folder, error)
        } catch {
            throw IOError("keep a long object in", at: folder, .ioError)
        }
    }
}
