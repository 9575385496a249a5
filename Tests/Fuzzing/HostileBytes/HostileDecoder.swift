import KuraFormat

/// A decoder of bytes that come from a disk, as fuzzing and the test of its corpus see it.
///
/// Whatever the bytes are, it returns or throws: it neither traps nor hangs, and no allocation is
/// larger than `allocationBytesMax`. What it accepts encodes to the same bytes again, where the
/// format allows only one encoding.
public struct HostileDecoder: Sendable {
    /// Also names the directory of its corpus.
    public let name: String
    /// Longest input that fuzzing tries, in bytes.
    public let inputBytesMax: Int
    /// Largest single allocation that an input of `inputBytesMax` may lead to, in bytes.
    public let allocationBytesMax: Int
    private let recode: @Sendable ([UInt8]) throws -> [UInt8]?
    private let complete: @Sendable ([UInt8]) -> [UInt8]?

    /// - Parameters:
    ///   - complete: makes an input with the magic, lengths and checksum that belong to it, so that
    ///     mutated bytes get past them; nil where it cannot.
    ///   - recode: decodes, uses what it decoded as Kura does, and encodes it again; nil where
    ///     there
    ///     is no one encoding.
    init(
        _ name: String, inputBytesMax: Int = 8192, allocationBytesMax: Int = 1 << 20,
        complete: @escaping @Sendable ([UInt8]) -> [UInt8]? = { _ in nil },
        recode: @escaping @Sendable ([UInt8]) throws -> [UInt8]?
    ) {
        self.name = name
        self.inputBytesMax = inputBytesMax
        self.allocationBytesMax = allocationBytesMax
        self.complete = complete
        self.recode = recode
    }

    public static let all = records + logs + tables + texts + images

    /// Decodes an input as it is, and once more with its checks made right.
    /// - Returns: how many of the two were accepted.
    /// - Throws: `Finding` when something that was accepted encodes to other bytes.
    @discardableResult
    public func check(_ input: [UInt8]) throws(Finding) -> Int {
        var accepted = try accepts(input) ? 1 : 0
        if let completed = complete(input), try accepts(completed) { accepted += 1 }
        return accepted
    }

    private func accepts(_ bytes: [UInt8]) throws(Finding) -> Bool {
        let again: [UInt8]?
        do {
            again = try recode(bytes)
        } catch let finding as Finding {
            throw finding
        } catch {
            // Refused, whatever the reason.
            return false
        }
        if let again, again != bytes {
            throw Finding("\(name) encodes \(bytes.count) accepted bytes to \(again.count) others")
        }
        return true
    }

    /// Something that must not be.
    public struct Finding: Error, CustomStringConvertible {
        public var description: String

        init(_ description: String) { self.description = description }
    }
}

extension [UInt8] {
    /// Calls `body` with these bytes; closures of `withUnsafeBytes` cannot throw typed errors.
    func decoded<T>(
        _ body: (UnsafeRawBufferPointer) throws(FormatError) -> T
    ) throws(FormatError) -> T {
        let result = withUnsafeBytes { raw -> Result<T, FormatError> in
            do throws(FormatError) {
                return .success(try body(raw))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// An integer at an offset, 0 where the bytes end before it.
    func integer<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T {
        let end = offset + MemoryLayout<T>.size
        guard end <= count else { return 0 }
        return self[offset..<end].reversed().reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }

    mutating func store(_ value: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: value.littleEndian) {
            replaceSubrange(offset..<(offset + $0.count), with: $0)
        }
    }

    /// Cut or filled with zeros to `count` bytes.
    func resized(to count: Int) -> [UInt8] {
        self.count >= count
            ? Array(self[..<count]) : self + [UInt8](repeating: 0, count: count - self.count)
    }
}
