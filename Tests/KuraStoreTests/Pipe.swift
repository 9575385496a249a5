import Glibc
import KuraIO
import SystemPackage

/// A pipe whose ends a test closes by hand.
struct Pipe: Sendable {
    let reading: Int32
    let writing: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw IOError("make", at: "pipe", Errno(rawValue: errno)) }
        (reading, writing) = (ends[0], ends[1])
    }

    func closeReading() { close(reading) }
    func closeWriting() { close(writing) }
}
