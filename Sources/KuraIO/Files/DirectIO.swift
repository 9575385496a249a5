internal import CLinux
internal import Glibc

/// Writing around the page cache. Large files that are not read soon (packs, restored disks) need
/// no copy in memory: measured, a direct write takes a quarter of the time of a buffered one with
/// its flush, and leaves the processor to the rest of a backup.
enum DirectIO {
    /// What memory, offset and length of a direct write are multiples of. No device asks for more.
    static let alignment = 4096
    /// Shorter writes of packs are buffered: a direct one waits for the device.
    static let byteCountMin = 256 << 10

    /// Bytes that are copied to aligned memory at a time, where they do not lie in such.
    private static let bounceBytes = 2 << 20

    /// Leading bytes of a write that may go around the page cache; 0 where that is not worth it.
    /// - Parameter min: shortest write for which it is.
    static func prefix(
        of bytes: UnsafeRawBufferPointer, at offset: UInt64, min: Int = byteCountMin
    ) -> Int {
        guard bytes.count >= min, offset % UInt64(alignment) == 0 else { return 0 }
        return bytes.count / alignment * alignment
    }

    /// Writes as many leading bytes as it can, through a descriptor that is opened for direct
    /// writes.
    /// - Parameter bytes: as many as `prefix` said, anywhere in memory.
    /// - Returns: bytes written; fewer than given where the file system does not take them so.
    static func write(
        _ descriptor: Int32, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        if Int(bitPattern: bytes.baseAddress) % alignment == 0 {
            return writeAligned(descriptor, at: offset, bytes)
        }
        // A copy in memory costs little beside one in the page cache, which must be written out.
        let bounce = AlignedBuffer(byteCount: bounceBytes)
        var done = 0
        while done < bytes.count {
            let count = min(bounceBytes, bytes.count - done)
            let part = UnsafeMutableRawBufferPointer(rebasing: bounce.bytes[..<count])
            part.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[done..<(done + count)]))
            let written = writeAligned(
                descriptor, at: offset + UInt64(done), UnsafeRawBufferPointer(part))
            done += written
            if written < count { break }
        }
        return done
    }

    private static func writeAligned(
        _ descriptor: Int32, at offset: UInt64, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                descriptor, bytes.baseAddress! + done, bytes.count - done,
                off_t(offset) + off_t(done))
            if count < 0, Glibc.errno == EINTR { continue }
            // What went wrong, if anything did, the buffered write of the rest will tell.
            guard count > 0 else { break }
            done += count
            // After a short write the rest may begin anywhere.
            if done % alignment != 0 { break }
        }
        return done
    }
}
