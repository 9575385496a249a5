internal import Glibc
internal import SystemPackage

/// Bytes that come in order and end some time: standard input.
public final class InputStream: Sendable {
    private let descriptor: Int32
    public let name: String

    /// - Parameter descriptor: stays the caller's.
    public init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Fills `target`; fewer bytes come back only at the end of the stream. One caller at a time.
    public func read(into target: UnsafeMutableRawBufferPointer) throws(IOError) -> Int {
        var done = 0
        while done < target.count {
            let count = Glibc.read(descriptor, target.baseAddress! + done, target.count - done)
            if count == 0 { break }
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw IOError("read", FilePath(name), Errno(rawValue: Glibc.errno))
            }
            done += count
        }
        return done
    }
}
