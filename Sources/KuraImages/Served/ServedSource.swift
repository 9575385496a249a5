internal import KuraIO
internal import KuraNBD

/// The disk in an image that a `qemu-nbd` in a jail reads.
final class ServedSource: DiskSource {
    private let files: [FileSource]
    private let server: JailedServer
    private let disk: NBDSource

    /// - Parameters:
    ///   - graph: what the program opens, as `BlockNode` has it.
    ///   - options: of the program, besides.
    ///   - files: of the image and its bases, in the order in which the graph counts them.
    init(
        _ graph: BlockNode, options: [String] = [], files: [FileSource], name: String,
        _ terms: ImageTerms
    ) throws(KuraError) {
        let server = try JailedServer(
            options + ["json:\(graph.text)"], files: files, connections: terms.connections,
            cancellation: terms.cancellation)
        disk = try NBDSource(server.streams, name: name) { server.explain($0) }
        self.files = files
        self.server = server
    }

    var name: String { disk.name }
    var weaknesses: [String] { server.weaknesses }
    var knownByteCount: UInt64? { disk.byteCount }
    func isWrittenByMachine() -> Bool { files.contains { $0.isWrittenByMachine() } }
    func end(with cancellation: Cancellation) { disk.end(with: cancellation) }

    func hasChanged() throws(KuraError) -> Bool {
        for file in files where try file.hasChanged() { return true }
        return false
    }

    func nextData(in range: Range<UInt64>) throws(KuraError) -> Range<UInt64>? {
        try disk.nextData(in: range)
    }

    func read(
        at offset: UInt64, into target: UnsafeMutableRawBufferPointer
    ) throws(KuraError) -> Int {
        try disk.read(at: offset, into: target)
    }
}

/// What QEMU is to open: never a name that an image gives, and never a format that it guesses.
struct BlockNode {
    /// As JSON.
    let text: String

    /// A file of the jail.
    static func file(_ index: Int, isDevice: Bool) -> BlockNode {
        BlockNode(
            text: #"{"driver":"\#(isDevice ? "host_device" : "file")","#
                + #""filename":"\#(JailedServer.path(of: index))"}"#)
    }

    /// A stretch of a file.
    static func slice(_ range: Range<UInt64>, of file: BlockNode) -> BlockNode {
        BlockNode(
            text: #"{"driver":"raw","offset":\#(range.lowerBound),"#
                + #""size":\#(range.upperBound - range.lowerBound),"file":\#(file.text)}"#)
    }

    /// An image without a base, or on one, whatever name of a base is in it.
    static func image(_ format: DiskFormat, _ file: BlockNode, on base: BlockNode?) -> BlockNode {
        guard format != .raw else {
            return BlockNode(text: #"{"driver":"raw","file":\#(file.text)}"#)
        }
        let driver = format == .vhd ? "vpc" : format.rawValue
        return BlockNode(
            text:
                #"{"driver":"\#(driver)","file":\#(file.text),"backing":\#(base?.text ?? "null")}"#)
    }
}
