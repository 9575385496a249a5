internal import SystemPackage

/// The content of a simulated disk: files, names, and which of their changes are not durable yet.
struct SimulatedDisk {
    struct Node {
        var kind: FileStatus.Kind
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
    }

    /// A change of one name that its directory was not flushed after.
    private struct NameChange {
        var directory: String
        var name: String
        /// nil where the name went away.
        var node: Int?
    }

    private(set) var nodes: [Int: Node] = [:]
    /// Names of every directory, by its path.
    var live: [String: [String: Int]] = ["/": [:]]
    private var durable: [String: [String: Int]] = ["/": [:]]
    private var nameChanges: [NameChange] = []
    /// Nodes whose bytes are not flushed.
    private var unflushed: Set<Int> = []
    private var open: [Int32: Int] = [:]
    private var locked: [Int: Int32] = [:]
    private var nextDescriptor: Int32 = 1 << 20
    private var nextNode = 0

    var changeCount = 0
    var cutAt: Int?
    var isOff = false

    func copy() -> SimulatedDisk {
        var disk = self
        disk.open = [:]
        disk.locked = [:]
        disk.changeCount = 0
        disk.cutAt = nil
        disk.isOff = false
        return disk
    }

    // MARK: Names

    private static func split(_ path: FilePath) -> (directory: String, name: String) {
        (path.removingLastComponent().string, path.lastComponent?.string ?? "")
    }

    func find(_ path: FilePath) -> Int? {
        let (directory, name) = Self.split(path)
        return live[directory]?[name]
    }

    mutating func makeNode(_ kind: FileStatus.Kind) -> Int {
        nextNode += 1
        nodes[nextNode] = Node(kind: kind)
        return nextNode
    }

    mutating func link(_ path: FilePath, to node: Int) throws(Errno) {
        let (directory, name) = Self.split(path)
        guard live[directory] != nil else { throw .noSuchFileOrDirectory }
        live[directory]![name] = node
        nameChanges.append(NameChange(directory: directory, name: name, node: node))
    }

    mutating func unlink(_ path: FilePath) throws(Errno) {
        let (directory, name) = Self.split(path)
        guard live[directory]?.removeValue(forKey: name) != nil else {
            throw .noSuchFileOrDirectory
        }
        nameChanges.append(NameChange(directory: directory, name: name, node: nil))
    }

    mutating func flushNames(of directory: String) {
        durable[directory] = live[directory]
        nameChanges.removeAll { $0.directory == directory }
    }

    // MARK: Bytes

    mutating func open(_ path: FilePath) throws(Errno) -> OpenFile {
        guard let node = find(path) else { throw .noSuchFileOrDirectory }
        nextDescriptor += 1
        open[nextDescriptor] = node
        return OpenFile(descriptor: nextDescriptor)
    }

    mutating func close(_ descriptor: Int32) {
        guard let node = open.removeValue(forKey: descriptor) else { return }
        if locked[node] == descriptor { locked[node] = nil }
    }

    /// Whether the lock of the file was free and is now this descriptor's.
    mutating func takeLock(_ file: OpenFile) -> Bool {
        guard let node = open[file.descriptor], locked[node] == nil else { return false }
        locked[node] = file.descriptor
        return true
    }

    func bytes(of file: OpenFile) throws(Errno) -> [UInt8] {
        guard let node = open[file.descriptor] else { throw .badFileDescriptor }
        return nodes[node]!.bytes
    }

    mutating func write(_ bytes: [UInt8], to file: OpenFile, at offset: Int) throws(Errno) {
        guard let node = open[file.descriptor] else { throw .badFileDescriptor }
        unflushed.insert(node)
        let end = offset + bytes.count
        let missing = end - nodes[node]!.bytes.count
        if missing > 0 { nodes[node]!.bytes += [UInt8](repeating: 0, count: missing) }
        nodes[node]!.bytes.replaceSubrange(offset..<end, with: bytes)
    }

    mutating func flush(_ file: OpenFile) throws(Errno) {
        guard let node = open[file.descriptor] else { throw .badFileDescriptor }
        nodes[node]!.durable = nodes[node]!.bytes
        unflushed.remove(node)
    }

    mutating func flipBit(of path: FilePath, _ number: Int) throws(Errno) {
        guard let node = find(path), let count = nodes[node]?.bytes.count, count > 0 else {
            throw .noSuchFileOrDirectory
        }
        nodes[node]!.bytes[number / 8 % count] ^= 1 << UInt8(number % 8)
        nodes[node]!.durable = nodes[node]!.bytes
    }

    // MARK: Power cuts

    private static let sectorBytes = 512
    /// What counts of each file when disks are compared. Those of tests are shorter, but for zeros.
    private static let hashedBytes = 128 << 10

    func afterPowerCut(
        _ survival: SimulatedFileSystem.Survival, _ random: inout some RandomNumberGenerator
    ) -> SimulatedDisk {
        let chance = [0.1, 0.5, 0.9].randomElement(using: &random)!
        func survives(_ random: inout some RandomNumberGenerator) -> Bool {
            switch survival {
            case .nothing: false
            case .everything: true
            case .some: Double.random(in: 0..<1, using: &random) < chance
            }
        }
        var disk = self
        disk.live = durable
        for change in nameChanges where survives(&random) {
            disk.live[change.directory, default: [:]][change.name] = change.node
        }
        disk.dropUnreachable()
        for node in unflushed.sorted() {
            let (bytes, old) = (nodes[node]!.bytes, nodes[node]!.durable)
            var found = survives(&random) ? bytes : old
            if survival == .some {
                let ends = [old.count, bytes.count, Int.random(in: 0...bytes.count, using: &random)]
                let count = ends.randomElement(using: &random)!
                found = [UInt8](repeating: 0, count: count)
                for start in stride(from: 0, to: count, by: Self.sectorBytes) {
                    let source = survives(&random) ? bytes : old
                    let end = min(start + Self.sectorBytes, count, source.count)
                    if start < end { found.replaceSubrange(start..<end, with: source[start..<end]) }
                }
            }
            disk.nodes[node]!.bytes = found
        }
        for node in disk.nodes.keys { disk.nodes[node]!.durable = disk.nodes[node]!.bytes }
        disk.durable = disk.live
        disk.nameChanges = []
        disk.unflushed = []
        return disk
    }

    /// Forgets directories whose own name is gone, and gives those their names that have none yet.
    private mutating func dropUnreachable() {
        var reached: [String: [String: Int]] = [:]
        var paths: [FilePath] = ["/"]
        while let path = paths.popLast() {
            let names = live[path.string] ?? [:]
            reached[path.string] = names
            for (name, node) in names where nodes[node]!.kind == .directory {
                paths.append(path.appending(name))
            }
        }
        live = reached
    }

    var fingerprint: Int {
        var sum = 0
        for (directory, names) in live {
            for (name, node) in names {
                // Independent of the order in which a dictionary gives its elements.
                var hasher = Hasher()
                hasher.combine(directory)
                hasher.combine(name)
                nodes[node]!.bytes.withUnsafeBytes { bytes in
                    hasher.combine(bytes.count)
                    hasher.combine(bytes: .init(rebasing: bytes.prefix(Self.hashedBytes)))
                }
                sum &+= hasher.finalize()
            }
        }
        return sum
    }
}
