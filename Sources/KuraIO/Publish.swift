public import SystemPackage

extension FileSystem {
    /// Makes a file durable under its final name: the one way into a region.
    ///
    /// What is on disk if power fails after each step:
    /// 1. the temporary file is created and written: rubbish in `temporary`'s directory, or nothing;
    /// 2. it is flushed: the same, with its bytes complete;
    /// 3. it is renamed: still the temporary name, or the final one with complete bytes;
    /// 4. the final directory is flushed: the final name.
    ///
    /// After the return the file survives. After an error it may or may not be there under its final
    /// name, but if it is there, it is complete. A file is never flushed twice: after a failed flush
    /// the kernel may have dropped its pages, so it is removed.
    ///
    /// - Parameters:
    ///   - pieces: the bytes, one piece behind the other.
    ///   - temporary: a name that nobody else uses, on the same file system.
    ///   - replacing: whether an existing file gives way. Files named by content are not replaced:
    ///     an equal one that exists already is as good; a different one is damaged and gives way.
    public func publish(
        _ pieces: [UnsafeRawBufferPointer], as name: FilePath, temporary: FilePath,
        replacing: Bool = false
    ) throws(IOError) {
        let file = try create(temporary)
        do throws(IOError) {
            defer { close(file) }
            var offset: UInt64 = 0
            for piece in pieces {
                try write(file, temporary, at: offset, piece)
                offset += UInt64(piece.count)
            }
            try seal(file, temporary)
            try flush(file, temporary)
        } catch {
            discard(temporary)
            throw error
        }
        do throws(IOError) {
            try settle(pieces, from: temporary, as: name, replacing: replacing)
        } catch {
            discard(temporary)
            throw error
        }
        try flushDirectory(name.removingLastComponent())
    }

    /// Gives the complete temporary file its name, unless an equal file has it already.
    private func settle(
        _ pieces: [UnsafeRawBufferPointer], from temporary: FilePath, as name: FilePath,
        replacing: Bool
    ) throws(IOError) {
        do throws(IOError) {
            try rename(temporary, to: name, replacing: replacing)
        } catch {
            guard error.errno == .fileExists else { throw error }
            if try holds(name, pieces) {
                discard(temporary)
            } else {
                try rename(temporary, to: name, replacing: true)
            }
        }
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
                throw IOError("create", path, .fileExists)
            }
            return
        }
        let parent = path.removingLastComponent()
        if !parent.isEmpty, parent != path { try makeDirectories(parent) }
        try makeDirectory(path)
        try flushDirectory(parent.isEmpty ? "." : parent)
    }

    /// Removes a file that no longer matters. A file that stays behind is rubbish in a temporary
    /// directory, which the next session clears; the error on the way here matters more.
    private func discard(_ temporary: FilePath) {
        do {
            try remove(temporary)
        } catch {
            return
        }
    }

    /// Whether the file holds exactly these bytes.
    private func holds(
        _ path: FilePath, _ pieces: [UnsafeRawBufferPointer]
    ) throws(IOError) -> Bool {
        let size = pieces.reduce(0) { $0 + $1.count }
        guard try status(path).byteCount == UInt64(size) else { return false }
        let file = try openForReading(path)
        defer { close(file) }
        let buffer = AlignedBuffer(byteCount: 1 << 20)
        var offset: UInt64 = 0
        for piece in pieces {
            var rest = piece[...]
            while !rest.isEmpty {
                let expected = rest.prefix(buffer.byteCount)
                let found = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<expected.count])
                guard try read(file, path, at: offset, into: found) == expected.count,
                    found.elementsEqual(expected)
                else { return false }
                offset += UInt64(expected.count)
                rest = rest.dropFirst(expected.count)
            }
        }
        return true
    }
}
