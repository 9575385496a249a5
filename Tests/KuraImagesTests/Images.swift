import Foundation
import KuraIO
import KuraImages
import SystemPackage
import TestSupport
import Testing

/// What tests of images need.
enum Images {
    static func has(_ program: String) -> Bool {
        ["/usr/bin", "/bin", "/usr/local/bin"].contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }

    static let hasQEMU = has("qemu-img") && has("qemu-nbd")

    static func run(_ line: String, in directory: FilePath) throws {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-ec", line]
        process.currentDirectoryURL = URL(fileURLWithPath: directory.string)
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(line)")
    }

    /// All bytes of a disk, with zeros for its holes.
    static func contents(_ source: any DiskSource, pieceBytes: Int = 512 << 10) throws -> [UInt8] {
        let byteCount = try #require(source.knownByteCount)
        var found = [UInt8](repeating: 0, count: Int(byteCount))
        var cursor: UInt64 = 0
        while let data = try source.nextData(in: cursor..<byteCount) {
            try found.withUnsafeMutableBytes { bytes in
                for start in stride(
                    from: Int(data.lowerBound), to: Int(data.upperBound), by: pieceBytes)
                {
                    let end = min(start + pieceBytes, Int(data.upperBound))
                    let target = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
                    let count = try source.read(at: UInt64(start), into: target)
                    #expect(count == end - start)
                }
            }
            cursor = data.upperBound
        }
        return found
    }

    static func refusal(_ body: () throws -> Void) -> ImageRefusal? {
        let error = #expect(throws: KuraError.self) { try body() }
        return error?.cause as? ImageRefusal
    }
}

extension [UInt8] {
    mutating func put(_ part: [UInt8], at offset: Int) {
        replaceSubrange(offset..<(offset + part.count), with: part)
    }

    mutating func put<T: FixedWidthInteger>(big value: T, at offset: Int) {
        put(Swift.withUnsafeBytes(of: value.bigEndian) { Array($0) }, at: offset)
    }

    mutating func put<T: FixedWidthInteger>(little value: T, at offset: Int) {
        put(Swift.withUnsafeBytes(of: value.littleEndian) { Array($0) }, at: offset)
    }

    static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
