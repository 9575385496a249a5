internal import KuraFormat
internal import KuraIO

/// Runs a decoder of the format on a root or a page of a checkpoint.
func decoding<T>(_ body: () throws(FormatError) -> T) throws(KuraError) -> T {
    do throws(FormatError) {
        return try body()
    } catch {
        throw KuraError(format: error, at: nil)
    }
}

extension StateTable {
    /// The entry of a key.
    func entry(_ key: [UInt8]) throws(KuraError) -> StatePage.Entry? {
        try self[key].map { value in StatePage.Entry(key: key, value: value) }
    }

    /// All entries, decoded, in order.
    func all<T>(
        from lower: [UInt8] = [], to upper: [UInt8]? = nil,
        _ decode: (StatePage.Entry) throws(FormatError) -> T
    ) throws(KuraError) -> [T] {
        var all: [T] = []
        try visit(from: lower, to: upper) { entry throws(KuraError) in
            all.append(try decoding { () throws(FormatError) in try decode(entry) })
            return true
        }
        return all
    }
}
