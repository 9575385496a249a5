internal import Glibc

/// Wall time for records, steady time for durations, processor time for costs.
public enum Clock {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public static func now() -> Int64 { read(CLOCK_REALTIME) }

    /// Nanoseconds since some fixed moment; never goes back.
    public static func steady() -> Int64 { read(CLOCK_MONOTONIC) }

    /// Nanoseconds from one instant to another: 0 where that is not later, and at most 2^63 - 1,
    /// because records may hold any instant.
    public static func elapsed(from start: Int64, to end: Int64) -> Int64 {
        let (difference, overflow) = end.subtractingReportingOverflow(start)
        return end <= start ? 0 : overflow ? .max : difference
    }

    /// Nanoseconds of processor time that all threads of this process have used.
    public static func processor() -> Int64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Facts about this process and its machine.
public enum Process {
    public static var id: UInt32 { UInt32(getpid()) }
    /// Bytes of memory that the machine has.
    public static var memoryBytes: UInt64 {
        let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        return UInt64(max(0, pages)) * UInt64(max(0, size))
    }

    public static var userID: UInt32 { geteuid() }

    public static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
