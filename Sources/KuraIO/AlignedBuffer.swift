internal import Glibc

/// A fixed stretch of memory on page boundaries. Freed when its last reference goes.
///
/// `@unchecked Sendable`: one thread at a time uses a buffer; whoever hands it on does so through a
/// lock or a queue.
public final class AlignedBuffer: @unchecked Sendable {
    public let bytes: UnsafeMutableRawBufferPointer

    public var byteCount: Int { bytes.count }
    public var base: UnsafeMutableRawPointer { bytes.baseAddress! }

    /// Memory is not cleared; the kernel commits a page when it is first touched.
    public init(byteCount: Int) {
        precondition(byteCount > 0)
        bytes = .allocate(byteCount: byteCount, alignment: 4096)
    }

    deinit { bytes.deallocate() }
}
