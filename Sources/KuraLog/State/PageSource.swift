package import KuraFormat
package import KuraIO
internal import Synchronization

/// Where the bytes of pages come from: a replica, or a cache before it.
package protocol PageSource: Sendable {
    /// The bytes of the page with this name; nothing about them is checked yet.
    func page(_ name: Digest) throws(KuraError) -> [UInt8]
}

/// Pages in memory: of a state that was not read from any checkpoint, and of tests.
package struct MemoryPages: PageSource {
    package var pages: [Digest: [UInt8]]

    package init(_ pages: [Digest: [UInt8]] = [:]) { self.pages = pages }

    package func page(_ name: Digest) throws(KuraError) -> [UInt8] {
        guard let bytes = pages[name] else {
            throw KuraError(.absent, "the page \(name.short) of a checkpoint is missing")
        }
        return bytes
    }
}

/// Decoded pages in front of a source, the newest ones. May be used by several threads.
final class PageCache: Sendable {
    private struct Kept {
        var pages: [Digest: StatePage] = [:]
        /// In the order in which they came.
        var names: [Digest] = []
        var byteCount = 0
    }

    private let source: any PageSource
    private let kept = Mutex(Kept())
    private let byteCountMax: Int

    /// - Parameter byteCountMax: of the files of all kept pages together.
    init(_ source: any PageSource, byteCountMax: Int = 64 << 20) {
        self.source = source
        self.byteCountMax = byteCountMax
    }

    func page(
        _ name: Digest, _ parse: ([UInt8]) throws(KuraError) -> StatePage
    ) throws(KuraError) -> StatePage {
        if let page = kept.withLock({ $0.pages[name] }) { return page }
        let bytes = try source.page(name)
        let page = try parse(bytes)
        kept.withLock { kept in
            guard kept.pages.updateValue(page, forKey: name) == nil else { return }
            kept.names.append(name)
            kept.byteCount += bytes.count
            // Half of them at once, so that this is not done for every page.
            guard kept.byteCount > byteCountMax, kept.names.count > 1 else { return }
            for name in kept.names.prefix(kept.names.count / 2) {
                kept.pages[name] = nil
            }
            kept.names.removeFirst(kept.names.count / 2)
            kept.byteCount /= 2
        }
        return page
    }
}
