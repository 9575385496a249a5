internal import CLinux

extension OpenFile {
    /// Whether a running machine writes to the file.
    ///
    /// QEMU locks a byte for each thing that it does with a raw image, and one for each that others
    /// must not do: byte 100 and up, and 200 and up; writing is the second. Only the first of these
    /// two counts here: a machine that reads only may well forbid others to write.
    var isWrittenByMachine: Bool { kura_is_byte_locked(descriptor, 101) == 1 }
}
