public import SystemPackage

/// A file on its way to its final name: the one way into a region.
///
/// What is on disk if power fails after each step:
/// 1. the temporary file is created and written: rubbish in `temporary`'s directory, or nothing;
/// 2. it is complete (flushed): the same, with all of its bytes;
/// 3. it is renamed: still the temporary name, or the final one with complete bytes;
/// 4. the final directory is flushed: the final name.
///
/// After `publish` the file survives. After an error it may or may not be there under its final
/// name, but if it is there, it is complete. A file is never flushed twice: after a failed flush
/// the kernel may have dropped its pages, so it is removed.
///
/// `@unchecked Sendable`: one thread at a time uses it. After the first error it is given up, and
/// nothing of it must be called any more.
public final class Publication: @unchecked Sendable {
    private let fileSystem: any FileSystem
    private let temporary: FilePath
    private let file: OpenFile
    private var isOpen = true
    /// Bytes so far.
    public private(set) var byteCount: UInt64 = 0

    /// - Parameter temporary: a name of its own, on the file system of the final name.
    public init(_ fileSystem: any FileSystem, temporary: FilePath) throws(IOError) {
        self.fileSystem = fileSystem
        self.temporary = temporary
        file = try fileSystem.create(temporary)
    }

    deinit { close() }

    /// Writes the next bytes of the file.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(IOError) {
        try orAbandon { () throws(IOError) in
            try fileSystem.write(file, temporary, at: byteCount, from: bytes)
        }
        byteCount += UInt64(bytes.count)
    }

    /// Makes the file's bytes durable, under its temporary name. Nothing may be appended after it.
    public func complete() throws(IOError) {
        try orAbandon { () throws(IOError) in
            try fileSystem.seal(file, temporary)
            try fileSystem.flush(file, temporary)
        }
        close()
    }

    /// What becomes of a file that already has the final name.
    public enum Existing: Sendable {
        /// It gives way.
        case givesWay
        /// An equal one is as good; a different one gives way. For files named by their content: a
        /// different one is damaged.
        case staysIfEqual
        /// It stays. A different one leaves this file as it was, complete and without a name.
        case stays
    }

    public enum Outcome: Equatable, Sendable {
        /// The name stands for the bytes of this file.
        case named
        /// The name stands for a file that was there before.
        case existed(isEqual: Bool)
    }

    /// Gives the complete file its name, durably.
    ///
    /// - Returns: after `existed(isEqual: false)` the file can be published again or abandoned;
    ///   after everything else it is gone from its temporary name.
    @discardableResult
    public func publish(as name: FilePath, _ existing: Existing) throws(IOError) -> Outcome {
        precondition(!isOpen, "a file is complete before it gets its name")
        var outcome = Outcome.named
        try orAbandon { () throws(IOError) in
            do throws(IOError) {
                try fileSystem.rename(temporary, to: name, replacing: existing == .givesWay)
            } catch {
                guard error.errno == .fileExists else { throw error }
                if try isEqual(to: name) {
                    outcome = .existed(isEqual: true)
                    discard()
                } else if existing == .stays {
                    outcome = .existed(isEqual: false)
                } else {
                    try fileSystem.rename(temporary, to: name, replacing: true)
                }
            }
        }
        // Also of a file that was there: another process may not have come so far yet.
        try fileSystem.flushDirectory(name.removingLastComponent())
        return outcome
    }

    /// Gives the complete file its name, durably.
    ///
    /// - Parameter replacing: whether an existing file gives way. Files named by content are not
    ///   replaced: an equal one that exists already is as good; a different one is damaged and
    ///   gives way.
    public func publish(as name: FilePath, replacing: Bool = false) throws(IOError) {
        try publish(as: name, replacing ? .givesWay : .staysIfEqual)
    }

    /// Removes the temporary file. Nothing may be called after it.
    public func abandon() {
        close()
        discard()
    }

    private func orAbandon(_ body: () throws(IOError) -> Void) throws(IOError) {
        do throws(IOError) {
            try body()
        } catch {
            abandon()
            throw error
        }
    }

    private func close() {
        if isOpen { fileSystem.close(file) }
        isOpen = false
    }

    /// A file that stays behind is rubbish in a temporary directory, which the next session clears;
    /// the error on the way here matters more.
    private func discard() {
        do throws(IOError) {
            try fileSystem.remove(temporary)
        } catch {
            return
        }
    }

    /// Whether a file holds exactly the bytes of the temporary one.
    private func isEqual(to name: FilePath) throws(IOError) -> Bool {
        guard try fileSystem.status(name).byteCount == byteCount else { return false }
        let mine = try fileSystem.openForReading(temporary)
        defer { fileSystem.close(mine) }
        let other = try fileSystem.openForReading(name)
        defer { fileSystem.close(other) }
        let buffers = (AlignedBuffer(byteCount: 1 << 20), AlignedBuffer(byteCount: 1 << 20))
        var offset: UInt64 = 0
        while offset < byteCount {
            let count = try fileSystem.read(mine, temporary, at: offset, into: buffers.0.bytes)
            let found = try fileSystem.read(other, name, at: offset, into: buffers.1.bytes)
            guard count > 0, count == found,
                buffers.0.bytes[..<count].elementsEqual(buffers.1.bytes[..<count])
            else { return false }
            offset += UInt64(count)
        }
        return true
    }
}

extension FileSystem {
    /// Makes a file durable under its final name, from bytes that are all in memory: see
    /// `Publication`.
    ///
    /// - Parameters:
    ///   - pieces: the bytes, one piece behind the other.
    ///   - temporary: a name of its own, on the same file system.
    ///   - replacing: whether an existing file gives way, even one that holds other good bytes.
    public func publish(
        _ pieces: [UnsafeRawBufferPointer], as name: FilePath, temporary: FilePath,
        replacing: Bool = false
    ) throws(IOError) {
        let publication = try Publication(self, temporary: temporary)
        for piece in pieces { try publication.append(piece) }
        try publication.complete()
        try publication.publish(as: name, replacing: replacing)
    }

    public func publish(
        _ bytes: [UInt8], as name: FilePath, temporary: FilePath, replacing: Bool = false
    ) throws(IOError) {
        let result = bytes.withUnsafeBytes { raw -> Result<Void, IOError> in
            do throws(IOError) {
                return .success(
                    try publish([raw], as: name, temporary: temporary, replacing: replacing))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Creates a directory and every missing one above it, each durably.
    public func makeDirectories(_ path: FilePath) throws(IOError) {
        if try exists(path) {
            guard try status(path).kind == .directory else {
                throw IOError("create", at: path, .fileExists)
            }
            return
        }
        let parent = path.removingLastComponent()
        if !parent.isEmpty, parent != path { try makeDirectories(parent) }
        try makeDirectory(path)
        try flushDirectory(parent.isEmpty ? "." : parent)
    }
}
