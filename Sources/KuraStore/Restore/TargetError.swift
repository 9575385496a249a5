package import KuraIO

extension KuraError {
    package init(_ error: TargetError) {
        switch error {
        case .exists(let path):
            self.init(
                .exists, "\(path) exists already",
                remedy: "choose another path, or overwrite it with --force")
        case .isDirectory(let path):
            self.init(.io, "\(path) is a directory", remedy: "name a file in it")
        case .isLink(let path):
            self.init(
                .exists, "\(path) is a symbolic link", remedy: "remove it, or choose another path")
        case .noParent(let path):
            self.init(
                .io, "the directory for \(path) does not exist", remedy: "make it first")
        case .deviceTooSmall(let path, let needed, let available):
            self.init(
                .io, "\(path) has \(available) bytes, the disk needs \(needed)",
                remedy: "choose a larger device")
        case .io(let error):
            self.init(io: error)
        }
    }
}
