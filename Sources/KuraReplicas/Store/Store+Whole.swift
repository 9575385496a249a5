public import KuraFormat
public import KuraIO
internal import SystemPackage

extension Store {
    /// Reads a whole object. Throws an error with `isTooLong` where it has more than `max` bytes.
    public func contents(_ name: StoreName, max: Int) throws(IOError) -> [UInt8] {
        let reader = try open(name)
        let size = try reader.byteCount()
        guard size <= UInt64(max) else {
            throw IOError("read", place: address(of: name), .fileTooLarge)
        }
        // Not cleared first: for large objects that would cost as much as reading them.
        var failure: IOError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { target, count in
            do throws(IOError) {
                let whole = UnsafeMutableRawBufferPointer(target)
                let space = UnsafeMutableRawBufferPointer(rebasing: whole[..<Int(size)])
                count = try reader.read(at: 0, into: space)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes a small object: see `Store.put`.
    @discardableResult
    public func put(
        _ name: StoreName, _ bytes: [UInt8], condition: PutCondition, by owner: UniqueID
    ) throws(IOError) -> PutOutcome {
        let result = bytes.withUnsafeBytes { raw -> Result<PutOutcome, IOError> in
            do throws(IOError) {
                return .success(try put(name, [raw], condition: condition, by: owner))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Whether an object is there. An error other than "not found" is thrown.
    public func exists(_ name: StoreName) throws(IOError) -> Bool {
        do throws(IOError) {
            _ = try status(name)
            return true
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    /// All names in a folder, in memory.
    public func names(in folder: StoreFolder) throws(IOError) -> [String] {
        let first = try list(folder, after: nil)
        guard first.next != nil else { return first.names }
        var names = first.names
        var mark = first.next
        while let after = mark {
            let page = try list(folder, after: after)
            names += page.names
            mark = page.next
        }
        return names
    }

    /// Like `names`; a missing folder has none.
    public func namesIfPresent(in folder: StoreFolder) throws(IOError) -> [String] {
        do throws(IOError) {
            return try names(in: folder)
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
    }

    public func lockNote(_ name: StoreName, max: Int) throws(IOError) -> [UInt8] {
        try contents(name, max: max)
    }

    /// Where an object is, for people.
    public func address(of name: StoreName) -> String { "\(place)/\(name.key)" }

    /// Where a folder is, for people.
    public func address(of folder: StoreFolder) -> String {
        folder.key.isEmpty ? place : "\(place)/\(folder.key)"
    }
}
