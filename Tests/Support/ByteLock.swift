internal import Glibc
public import SystemPackage

/// Opens a file and locks one of its bytes, as QEMU does with the images that it uses. The lock
/// ends when the descriptor is closed.
public func lockByte(_ offset: Int, of path: FilePath) throws -> FileDescriptor {
    let file = try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
    var lock = flock()
    lock.l_type = Int16(F_RDLCK)
    lock.l_whence = Int16(SEEK_SET)
    lock.l_start = off_t(offset)
    lock.l_len = 1
    // F_OFD_SETLK, which stands behind _GNU_SOURCE.
    guard fcntl(file.rawValue, 37, &lock) == 0 else {
        let reason = Errno(rawValue: errno)
        try file.close()
        throw reason
    }
    return file
}
