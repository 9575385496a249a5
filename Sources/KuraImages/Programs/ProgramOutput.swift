internal import CLinux
internal import Glibc
internal import KuraIO
internal import SystemPackage

/// What a program says on its standard output and error, in memory.
final class ProgramOutput: Sendable {
    /// For the program.
    let descriptor: Int32

    /// What reaches a user of it.
    private static let bytesMax = 4096
    private static let textMax = 500

    init(of program: String) throws(KuraError) {
        descriptor = kura_memory_file()
        guard descriptor >= 0 else {
            throw KuraError(.io, "\(program) cannot be started: \(Errno(rawValue: errno))")
        }
    }

    deinit { close(descriptor) }

    /// Its words in one line, without its own name before them.
    /// - Parameter change: of all that it said.
    func text(of program: String, _ change: (String) -> String = { $0 }) -> String {
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        let count = bytes.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress, $0.count, 0)
        }
        let text = change(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            line.hasPrefix("\(program): ") ? line.dropFirst(program.count + 2) : line
        }
        return String(lines.joined(separator: ". ").prefix(Self.textMax))
    }
}
