internal import Glibc
package import SystemPackage

/// What uses a block device that cannot be opened exclusively: for messages only.
package enum DeviceUse: Equatable, Sendable {
    /// It, a partition of it, or a device that is made of it is mounted at this path.
    case mounted(String)
    case swap
    /// Another device is made of it: a volume, a RAID.
    case device(String)

    /// Asks the kernel's tables. Nil where they do not tell, as of mounts that only other
    /// namespaces see.
    package static func find(_ path: FilePath) -> DeviceUse? {
        guard let number = number(of: path.string) else { return nil }
        let above = devicesAbove(number)
        let numbers = above.map(\.number) + [number]
        if let place = mountPoint(
            of: Set(numbers), in: KernelText.read("/proc/self/mountinfo"),
            deviceOf: { source in Self.number(of: source) })
        {
            return .mounted(place)
        }
        for line in KernelText.read("/proc/swaps").split(separator: "\n").dropFirst() {
            guard let source = line.split(whereSeparator: \.isWhitespace).first else { continue }
            if Self.number(of: unescaped(source)).map(numbers.contains) == true { return .swap }
        }
        return above.first { !$0.isPartition }.map { .device($0.name) }
    }

    /// Where one of some devices is mounted.
    /// - Parameters:
    ///   - numbers: of the devices, as "MAJOR:MINOR".
    ///   - table: like /proc/self/mountinfo.
    ///   - deviceOf: the number of the device with a path; nil where it is none. Some file systems
    ///     have numbers of their own and name their device by its path only.
    package static func mountPoint(
        of numbers: Set<String>, in table: String, deviceOf: (String) -> String?
    ) -> String? {
        for line in table.split(separator: "\n") {
            // 36 35 98:0 /root /mount/point OPTIONS [TAGS...] - TYPE SOURCE OPTIONS
            let fields = line.split(separator: " ")
            guard fields.count > 5, let dash = fields.lastIndex(of: "-") else { continue }
            let source = dash + 2 < fields.count ? unescaped(fields[dash + 2]) : ""
            let isMeant =
                numbers.contains(String(fields[2]))
                || source.hasPrefix("/") && deviceOf(source).map(numbers.contains) == true
            if isMeant { return unescaped(fields[4]) }
        }
        return nil
    }

    /// The kernel writes spaces and the like as backslash and three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let first = rest.popFirst() {
            let digits = rest.prefix(3).map { $0 &- UInt8(ascii: "0") }
            if first == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ $0 < 8 }),
                digits[0] < 4
            {
                bytes.append(digits[0] << 6 | digits[1] << 3 | digits[2])
                rest = rest.dropFirst(3)
            } else {
                bytes.append(first)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private typealias Above = (number: String, name: String, isPartition: Bool)

    /// Partitions of a device and devices that are made of it or of them.
    private static func devicesAbove(_ number: String) -> [Above] {
        var found: [Above] = []
        var open = [number]
        while let next = open.popLast() {
            let folder = "/sys/dev/block/\(next)"
            let partitions = names(in: folder).filter { name in
                access("\(folder)/\(name)/partition", F_OK) == 0
            }
            let above =
                partitions.map { ("\(folder)/\($0)", $0, true) }
                + names(in: "\(folder)/holders").map { ("\(folder)/holders/\($0)", $0, false) }
            for (path, name, isPartition) in above {
                let number = KernelText.read("\(path)/dev").split(separator: "\n").first.map(
                    String.init)
                guard let number, !found.contains(where: { $0.number == number }) else { continue }
                found.append((number, name, isPartition))
                open.append(number)
            }
        }
        return found
    }

    private static func names(in folder: String) -> [String] {
        do throws(IOError) {
            return try LocalFileSystem().list(FilePath(folder))
        } catch {
            return []
        }
    }

    /// "MAJOR:MINOR" of the block device at a path; nil where it is none.
    private static func number(of path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else { return nil }
        let device = UInt64(status.st_rdev)
        let major = device >> 8 & 0xfff | device >> 32 & ~0xfff
        let minor = device & 0xff | device >> 12 & ~0xff
        return "\(major):\(minor)"
    }
}
