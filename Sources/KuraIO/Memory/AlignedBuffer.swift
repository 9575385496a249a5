internal import CLinux
internal import Glibc

/// A fixed stretch of memory on page boundaries. Freed when its last reference goes.
///
/// `@unchecked Sendable`: one thread at a time uses a buffer, and hands it on through a lock or
/// a queue.
public final class AlignedBuffer: @unchecked Sendable {
    public let bytes: UnsafeMutableRawBufferPointer

    public var byteCount: Int { bytes.count }
    public var base: UnsafeMutableRawPointer { bytes.baseAddress! }

    private static let pageBytes = 4096
    private static let hugePageBytes = 2 << 20

    /// Memory is not cleared; the kernel commits a page when it is first touched. A buffer of 1 MiB
    /// or more lies in huge pages where there are any: that saves faults and misses when it is
    /// filled, and a direct write has 512 times fewer pages to pin.
    public init(byteCount: Int) {
        precondition(byteCount > 0)
        guard byteCount >= Self.hugePageBytes / 2 else {
            bytes = .allocate(byteCount: byteCount, alignment: Self.pageBytes)
            return
        }
        let whole = (byteCount + Self.hugePageBytes - 1) / Self.hugePageBytes * Self.hugePageBytes
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: whole, alignment: Self.hugePageBytes)
        kura_want_huge_pages(memory.baseAddress, whole)
        bytes = UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount])
    }

    deinit { bytes.deallocate() }
}

/// Hints for the kernel about memory.
public enum MemoryAdvice {
    /// Asks for large pages: for tables of many megabytes that are read at random, where finding a
    /// small page takes as long as reading it. Changes nothing but speed.
    public static func preferLargePages(_ memory: UnsafeMutableRawBufferPointer) {
        let page = UInt(4096)
        let start = (UInt(bitPattern: memory.baseAddress) + page - 1) / page * page
        let end = UInt(bitPattern: memory.baseAddress) + UInt(memory.count)
        guard start < end, let base = UnsafeMutableRawPointer(bitPattern: start) else { return }
        _ = madvise(base, Int(end - start), MADV_HUGEPAGE)
    }
}
