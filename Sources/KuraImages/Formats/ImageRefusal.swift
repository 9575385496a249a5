public import KuraIO

/// Why an image is not read. Said before any other program sees the file.
public enum ImageRefusal: Error, Equatable, Sendable {
    /// Its bytes say another thing, or nothing that tells of the format.
    case notOfFormat
    /// What it says of itself cannot be.
    case malformed(String)
    case encrypted
    /// Its data is in another file, which it names.
    case externalData(String)
    /// It is one part of several files, or describes others.
    case otherFiles([String])
    /// It holds only what differs from another image, which was not given.
    case needsBase(String)
    /// It names another base than the one that was given.
    case otherBase(named: String, given: String)
    /// A base was given, and it has none.
    case hasNoBase(given: String)
    case noSnapshot(String, known: [String])
    /// A kind, a version or a feature that is not read.
    case unsupported(String)
}

extension KuraError {
    /// - Parameters:
    ///   - name: what messages call the image.
    ///   - format: what it is, or was said to be.
    public init(refusing name: String, _ format: ImageFormat, _ reason: ImageRefusal) {
        let image = "\(name) is \(format == .ova ? "an" : "a") \(format.rawValue) image"
        let (code, message, remedy): (Code, String, Remedy) =
            switch reason {
            case .notOfFormat:
                (
                    .refused, "\(name) is no \(format.rawValue) image, as far as its bytes tell",
                    .advice("check the path and the format")
                )
            case .malformed(let what):
                (
                    .refused, "\(image) that cannot be read: \(what)",
                    .advice("check it with the program that wrote it")
                )
            case .encrypted:
                (.refused, "\(image) that is encrypted", .advice("convert it to a plain image"))
            case .externalData(let file):
                (
                    .refused, "\(image) that keeps its data in another file: \(file)",
                    .advice("convert it to one file")
                )
            case .otherFiles(let files):
                (
                    .refused,
                    "\(image) of which parts are in other files: "
                        + files.prefix(8).joined(separator: ", "),
                    .advice("convert it to one file")
                )
            case .needsBase(let base):
                (
                    .refused, "\(image) that needs its base \(base), which was not named",
                    .anyOf([.point(.nameBases), .advice("convert it to one file")])
                )
            case .otherBase(let named, let given):
                (
                    .refused, "\(image) on the base \(named), and \(given) was named as its base",
                    .anyOf([
                        .point(.nameBases),
                        .advice("where the base has another name now, enter that in the image"),
                    ])
                )
            case .hasNoBase(let given):
                (
                    .refused, "\(image) without a base, and \(given) was named as its base",
                    .advice("leave it out")
                )
            case .noSnapshot(let snapshot, let known):
                (
                    .notFound, "\(name) has no snapshot \(snapshot)",
                    .advice(
                        known.isEmpty
                            ? "there are none in it"
                            : "it has: \(known.prefix(20).joined(separator: ", "))")
                )
            case .unsupported(let what):
                (
                    .unsupported, "\(image) of a kind that is not read: \(what)",
                    .advice("convert it to a raw or qcow2 image first")
                )
            }
        self.init(code, message, remedy: remedy, cause: reason)
    }
}
