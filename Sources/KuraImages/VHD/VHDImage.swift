public import KuraIO

/// VHDs by code of Kura's own: those of fixed size are read as fast as raw disks.
public enum VHDImage {
    /// The disk in an image.
    /// - Parameter bases: that it goes back to, the nearest first.
    public static func open(
        _ file: any DiskSource, bases: [any DiskSource] = []
    ) throws(KuraError) -> any DiskSource {
        try opened(file, bases[...]).source
    }

    private static func opened(
        _ file: any DiskSource, _ bases: ArraySlice<any DiskSource>
    ) throws(KuraError) -> (source: any DiskSource, identity: [UInt8]) {
        let image = try ImageFile(file, .vhd)
        let header = try VHDHeader(image)
        guard header.kind == .differencing, let table = header.table else {
            if let base = bases.first { throw image.refused(.hasNoBase(given: base.name)) }
            guard let table = header.table else {
                // All bytes but the footer.
                return (SliceSource(file, 0..<header.diskByteCount), header.identity)
            }
            return (
                try BlockVHDSource(file, header, at: table, base: nil), header.identity
            )
        }
        guard let nearest = bases.first else { throw image.refused(.needsBase(table.baseName)) }
        let base = try opened(nearest, bases.dropFirst())
        // Names change; what a base is called in its own footer does not.
        guard base.identity == table.baseIdentity else {
            throw image.refused(.otherBase(named: table.baseName, given: nearest.name))
        }
        return (
            try BlockVHDSource(file, header, at: table, base: base.source), header.identity
        )
    }
}
