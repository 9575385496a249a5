internal import KuraIO
internal import Synchronization
internal import SystemPackage

/// The catalog of a home, opened when it is first needed. Callers in one process share it.
final class SharedCatalog: Sendable {
    private let home: FilePath
    private let opened = Mutex<Catalog?>(nil)

    init(home: FilePath) { self.home = home }

    func open() throws(KuraError) -> Catalog {
        try opened.withLock { opened throws(KuraError) in
            if let opened { return opened }
            let catalog = try Catalog(home: home)
            opened = catalog
            return catalog
        }
    }
}
