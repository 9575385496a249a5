internal import KuraIO
internal import SystemPackage

/// The content of a simulated disk: files, names, and which of their changes are not durable yet.
///
/// A value whose parts are shared until they change, so a copy costs some microseconds.
struct SimulatedDisk {
    /// What a name stands for.
    enum Node: Equatable {
        case file(Int)
        case directory(Int)
    }

    /// The names in one directory, ascending.
    struct Names {
        private(set) var names: [String] = []
        private(set) var nodes: [Node] = []

        private func place(of name: String) -> (index: Int, isThere: Bool) {
            var (low, high) = (0, names.count)
            while low < high {
                let middle = (low + high) / 2
                if names[middle] < name { low = middle + 1 } else { high = middle }
            }
            return (low, low < names.count && names[low] == name)
        }

        func find(_ name: String) -> Node? {
            let (index, isThere) = place(of: name)
            return isThere ? nodes[index] : nil
        }

        /// - Parameter node: nil takes the name away.
        mutating func set(_ name: String, _ node: Node?) {
            let (index, isThere) = place(of: name)
            guard let node else {
                guard isThere else { return }
                names.remove(at: index)
                nodes.remove(at: index)
                return
            }
            if isThere {
                nodes[index] = node
            } else {
                names.insert(name, at: index)
                nodes.insert(node, at: index)
            }
        }
    }

    private struct File {
        var bytes = SimulatedBytes.none
        var durable = SimulatedBytes.none
    }

    /// A change of one name that its directory was not flushed after.
    private struct NameChange {
        var directory: Int
        var name: String
        /// nil where the name went away.
        var node: Node?
    }

    private var files = Pages<File>()
    /// Directories by their path; one keeps its number.
    private var numbers: [String: Int] = ["/": 0]
    private var paths = ["/"]
    /// Names of every directory, by its number; nil where there is no such directory.
    private var live = Pages<Names?>([Names()])
    private var durable = Pages<Names?>([Names()])
    private var nameChanges: [NameChange] = []
    /// Files whose bytes are not flushed.
    private var unflushed: Set<Int> = []
    private var open: [Int32: Int] = [:]
    private var locked: [Int: Int32] = [:]
    private var nextDescriptor: Int32 = 1 << 20

    /// The same content; nothing is open or locked.
    func copy() -> SimulatedDisk {
        var disk = self
        disk.open = [:]
        disk.locked = [:]
        return disk
    }

    // MARK: Names

    private static func split(_ path: FilePath) -> (directory: String, name: String) {
        let text = path.string
        guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", text) }
        let name = String(text[text.utf8.index(after: slash)...])
        return (slash == text.startIndex ? "/" : String(text[..<slash]), name)
    }

    func names(in directory: String) -> Names? {
        numbers[directory].flatMap { live[$0] }
    }

    func find(_ path: FilePath) -> Node? {
        let (directory, name) = Self.split(path)
        return names(in: directory)?.find(name)
    }

    /// Makes an empty file.
    mutating func makeFile(_ path: FilePath) throws(Errno) {
        files.append(File())
        try set(path, .file(files.count - 1))
    }

    mutating func makeDirectory(_ path: FilePath) throws(Errno) {
        let text = path.string
        let number = numbers[text] ?? live.count
        if number == live.count {
            numbers[text] = number
            paths.append(text)
            live.append(nil)
            durable.append(nil)
        }
        try set(path, .directory(number))
        live[number] = Names()
        durable[number] = durable[number] ?? Names()
    }

    /// - Parameter node: nil takes the name away.
    mutating func set(_ path: FilePath, _ node: Node?) throws(Errno) {
        let (directory, name) = Self.split(path)
        guard let number = numbers[directory], live[number] != nil else {
            throw .noSuchFileOrDirectory
        }
        live[number]!.set(name, node)
        nameChanges.append(NameChange(directory: number, name: name, node: node))
    }

    mutating func remove(_ path: FilePath) throws(Errno) {
        guard find(path) != nil else { throw .noSuchFileOrDirectory }
        if names(in: path.string)?.names.isEmpty == false { throw .directoryNotEmpty }
        try set(path, nil)
    }

    mutating func flushNames(of directory: String) {
        guard let number = numbers[directory] else { return }
        durable[number] = live[number]
        nameChanges.removeAll { $0.directory == number }
    }

    // MARK: Bytes

    func byteCount(of node: Node) -> Int {
        if case .file(let number) = node { files[number].bytes.byteCount } else { 0 }
    }

    mutating func open(_ path: FilePath) throws(Errno) -> OpenFile {
        switch find(path) {
        case nil: throw .noSuchFileOrDirectory
        case .directory: throw .isDirectory
        case .file(let number):
            nextDescriptor += 1
            open[nextDescriptor] = number
            return OpenFile(descriptor: nextDescriptor)
        }
    }

    mutating func close(_ descriptor: Int32) {
        guard let number = open.removeValue(forKey: descriptor) else { return }
        if locked[number] == descriptor { locked[number] = nil }
    }

    /// Whether the lock of the file was free and is now this descriptor's.
    mutating func takeLock(_ file: OpenFile) -> Bool {
        guard let number = open[file.descriptor], locked[number] == nil else { return false }
        locked[number] = file.descriptor
        return true
    }

    func number(of file: OpenFile) throws(Errno) -> Int {
        guard let number = open[file.descriptor] else { throw .badFileDescriptor }
        return number
    }

    func bytes(of file: OpenFile) throws(Errno) -> SimulatedBytes {
        files[try number(of: file)].bytes
    }

    mutating func change(
        _ file: OpenFile, _ body: (SimulatedBytes) -> SimulatedBytes
    ) throws(Errno) {
        let number = try number(of: file)
        unflushed.insert(number)
        files[number].bytes = body(files[number].bytes)
    }

    mutating func flush(number: Int) {
        files[number].durable = files[number].bytes
        unflushed.remove(number)
    }

    mutating func flipBit(of path: FilePath, _ bit: Int) throws(Errno) {
        guard case .file(let number) = find(path) else { throw .noSuchFileOrDirectory }
        files[number].bytes = files[number].bytes.flippingBit(bit)
        files[number].durable = files[number].bytes
    }

    // MARK: Power cuts

    private static let sectorBytes = 512

    func afterPowerCut(
        _ survival: SimulatedFileSystem.Survival, _ random: inout some RandomNumberGenerator
    ) -> SimulatedDisk {
        let chance = [0.1, 0.5, 0.9].randomElement(using: &random)!
        func survives(_ random: inout some RandomNumberGenerator, isRemoval: Bool = false) -> Bool {
            switch survival {
            case .nothing: false
            case .everything: true
            case .removals: isRemoval
            case .some: Double.random(in: 0..<1, using: &random) < chance
            }
        }
        var disk = copy()
        disk.live = durable
        for change in nameChanges where survives(&random, isRemoval: change.node == nil) {
            if disk.live[change.directory] == nil { disk.live[change.directory] = Names() }
            disk.live[change.directory]!.set(change.name, change.node)
        }
        disk.dropUnreachable()
        for number in unflushed.sorted() {
            let (bytes, old) = (files[number].bytes, files[number].durable)
            var found = survives(&random) ? bytes : old
            if survival == .some {
                // A length that it had, or one on the way from one to the other.
                let lengths = [old.byteCount, bytes.byteCount].sorted()
                let ends = lengths + [Int.random(in: lengths[0]...lengths[1], using: &random)]
                found = bytes.torn(
                    with: old, count: ends.randomElement(using: &random)!,
                    sectorBytes: Self.sectorBytes
                ) { survives(&random) }
            }
            disk.files[number] = File(bytes: found, durable: found)
        }
        disk.durable = disk.live
        disk.nameChanges = []
        disk.unflushed = []
        return disk
    }

    /// Forgets directories whose own name is gone.
    private mutating func dropUnreachable() {
        var reached = Array(repeating: false, count: live.count)
        var left = [0]
        while let number = left.popLast() {
            reached[number] = true
            if live[number] == nil { live[number] = Names() }
            for case .directory(let child) in live[number]!.nodes { left.append(child) }
        }
        for number in 0..<live.count where !reached[number] && live[number] != nil {
            live[number] = nil
        }
    }

    /// - Parameter ignored: paths of directories whose files do not count.
    func fingerprint(ignoring ignored: (String) -> Bool) -> Int {
        var sum = 0
        for number in 0..<live.count {
            guard let names = live[number], !names.names.isEmpty, !ignored(paths[number]) else {
                continue
            }
            // Of directories the number is enough: none is ever replaced by another one.
            var hasher = Hasher()
            hasher.combine(paths[number])
            for (name, node) in zip(names.names, names.nodes) {
                guard case .file(let file) = node else {
                    hasher.combine(0)
                    continue
                }
                hasher.combine(name)
                hasher.combine(files[file].bytes.fingerprint)
            }
            sum &+= hasher.finalize()
        }
        return sum
    }

    /// Paths of all files.
    var allFiles: [String] {
        var found: [String] = []
        for number in 0..<live.count {
            guard let names = live[number] else { continue }
            for (name, node) in zip(names.names, names.nodes) {
                if case .file = node { found.append("\(paths[number])/\(name)") }
            }
        }
        return found
    }
}

/// An array whose copies share what did not change since, in pages.
struct Pages<Element> {
    private static var pageCount: Int { 64 }

    private var pages: [[Element]] = []
    private(set) var count = 0

    init(_ elements: [Element] = []) {
        for element in elements { append(element) }
    }

    subscript(index: Int) -> Element {
        get { pages[index / Self.pageCount][index % Self.pageCount] }
        _modify { yield &pages[index / Self.pageCount][index % Self.pageCount] }
    }

    mutating func append(_ element: Element) {
        if count % Self.pageCount == 0 { pages.append([]) }
        pages[pages.count - 1].append(element)
        count += 1
    }
}

extension Pages: Sendable where Element: Sendable {}
