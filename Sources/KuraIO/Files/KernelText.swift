internal import SystemPackage

/// Texts of the kernel in /proc and /sys, whose files have no size.
package enum KernelText {
    /// Empty where it cannot be read.
    package static func read(_ path: String) -> String {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            return try file.closeAfter {
                var bytes: [UInt8] = []
                var part = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = try part.withUnsafeMutableBytes { try file.read(into: $0) }
                    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
                    bytes += part[..<count]
                }
            }
        } catch {
            return ""
        }
    }
}
